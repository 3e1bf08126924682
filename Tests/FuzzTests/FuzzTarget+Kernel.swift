import CNetfilter
import CNetlink
import Foundation
import NetworkAddress

@testable import Netlink
@testable import PacketFilter

extension FuzzTarget {
    /// What the kernel answers to questions about links, addresses, routes and VLANs: datagrams, each after two bytes that say
    /// how long it is. Every question gets them all, in their order.
    static let routeReplies = FuzzTarget(name: "route-replies") { input in
        let socket = try NetlinkSocket()
        let kernel = ScriptedKernel(input)
        kernel.answer(socket.connection)
        var isUnderstood = false
        func ask(_ question: () throws(NetlinkError) -> Void) throws {
            kernel.begin()
            // An error is an answer too, but not to all of them.
            if (try? question()) != nil { isUnderstood = true }
        }
        let link = Link(index: 2, name: "eth0")
        try ask { () throws(NetlinkError) in _ = try socket.link(named: "eth0") }
        try ask { () throws(NetlinkError) in _ = try socket.link(index: 2) }
        try ask { () throws(NetlinkError) in _ = try socket.links() }
        try ask { () throws(NetlinkError) in _ = try socket.ports(of: 3) }
        try ask { () throws(NetlinkError) in _ = try socket.add(NewLink(name: "eth0", kind: .bridge(BridgeSettings())))
        }
        try ask { () throws(NetlinkError) in _ = try socket.addresses() }
        try ask { () throws(NetlinkError) in _ = try socket.addresses(of: link, nil) }
        try ask { () throws(NetlinkError) in _ = try socket.ownAddresses(.ipv4) }
        for family in AddressFamily.allCases {
            try ask { () throws(NetlinkError) in
                for route in try socket.routes(family, table: nil) { _ = route.description }
            }
            try ask { () throws(NetlinkError) in _ = try socket.link(leadingTo: .unspecified(family)) }
            try ask { () throws(NetlinkError) in _ = try socket.isOwn(.unspecified(family)) }
        }
        try ask { () throws(NetlinkError) in _ = try socket.vlans(ofPort: link) }
        try ask { () throws(NetlinkError) in _ = try socket.deleteLink(index: 2) }
        return isUnderstood
    }

    /// The same for tables, chains, rules, sets and connections of the packet filter.
    static let netfilterReplies = FuzzTarget(name: "netfilter-replies") { input in
        let kernel = ScriptedKernel(input)
        // Of whatever part: it does not get there.
        let connection = try NetlinkConnection(.route)
        kernel.answer(connection)
        var isUnderstood = false
        func ask<Failure: Error>(_ question: () throws(Failure) -> Void) throws {
            kernel.begin()
            if (try? question()) != nil { isUnderstood = true }
        }
        // Before an answer gets lost: they would take another connection then.
        let tables = try [NFTPorts.layout, NFTMasquerade.layout].map { layout in
            (layout, try NFTConnection(layout, by: PacketFilterConnection(connection)))
        }
        for (layout, table) in tables {
            for chain in layout.chains.prefix(2) {
                try ask { () throws(PacketFilterError) in
                    for rule in try table.rules(ofChain: chain.name) {
                        for wanted in chain.rules { _ = NFTRuleComparison.isSame(rule.expressions, as: wanted) }
                    }
                }
            }
            try ask { () throws(PacketFilterError) in _ = try table.chains(prefix: "") }
            try ask { () throws(PacketFilterError) in _ = try table.tableUse() }
            for set in layout.sets.prefix(3) {
                try ask { () throws(PacketFilterError) in
                    for found in try table.elements(of: set.name) {
                        guard let element = NFTElement(set: set, key: found.key, lastKey: found.lastKey) else {
                            continue
                        }
                        _ = element.description
                        _ = NFTOwnerComment(found.comment).owner
                    }
                }
            }
        }
        for family in AddressFamily.allCases {
            try ask { () throws(NetlinkError) in
                let tables = try NFTVariantTables(family, [.nat, .filter], connection)
                for kind in tables.state.tables.values.flatMap(\.values).joined() { _ = "\(kind)" }
                _ = tables.state.removal(of: .portForwarding, "net", "c1")
            }
        }
        try ask { () throws(NetlinkError) in
            let message = { NetlinkMessage(conntrack: IPCTNL_MSG_CT_GET, nil) }
            for found in try connection.dump("list", message, { TrackedConnection($0) }) { _ = found.deletion() }
        }
        return isUnderstood
    }

    /// What the kernel answers to a batch.
    static let batchAnswers = FuzzTarget(name: "batch-answers") { input in
        var buffer = input
        var (answers, texts) = (0, 0)
        NetlinkConnection.answers(in: &buffer, count: input.count) { answer in
            answers += 1
            texts += answer.message?.utf8.count ?? 0
        }
        // What is no UTF-8 is replaced by three bytes for each.
        try require(texts <= input.count * 3, "more text than there was")
        return answers > 0
    }

    /// A table as the legacy interface hands it out: a byte that says which, what it says of itself, and the entries. What is
    /// read is written as it was, rules that are understood are written as they are understood, and what was changed can
    /// be read again.
    static let legacyTable = FuzzTarget(name: "legacy-table") { input in
        guard let first = input.first, input.count >= 1 + LegacyTableInformation.size else { return false }
        let family = first & 1 == 0 ? AddressFamily.ipv4 : .ipv6
        let table = IPTablesTable.allCases[Int(first >> 1) % IPTablesTable.allCases.count]
        let information = LegacyTableInformation(Array(input[1...LegacyTableInformation.size]))
        let entries = Array(input[(1 + LegacyTableInformation.size)...])
        guard var read = try? LegacyTable(family, table, information, entries: entries) else {
            return false
        }
        try require(read.compiled().entries == entries, "written differently")
        for rule in read.chains.flatMap(\.rules) {
            guard let known = read.decode(rule) else { continue }
            try require(!known.description.isEmpty, "a rule without a text")
            guard let encoded = known.encoded(.of(family)) else { continue }
            let again = LegacyTable.Rule(bytes: encoded[...], verdict: rule.verdict, position: nil)
            try require(read.decode(again) == known, "\(known) is written as another rule")
        }
        let state = IPTablesState(family, tables: [table: read.state])
        for change in state.removal(of: .portForwarding, "net", "c1").changes where (try? read.make(change)) == nil {
            return true
        }
        if let name = ChainName("CNI-NEW") {
            guard (try? read.make(.makeChain(table, name))) != nil else { return true }
            _ = try? read.make(.append(table, name, IPTablesRule()))
        }
        let compiled = read.compiled()
        _ = try LegacyTable(family, table, compiled.information, entries: compiled.entries)
        return true
    }
}

/// Answers in the kernel's place.
private final class ScriptedKernel {
    private let datagrams: [ArraySlice<UInt8>]
    private var next = 0
    /// The number of the latest question.
    private var sequence: UInt32 = 0

    nonisolated(unsafe) private static var current: ScriptedKernel?

    init(_ script: [UInt8]) {
        var datagrams: [ArraySlice<UInt8>] = []
        var rest = script[...]
        while rest.count > 2, datagrams.count < 64 {
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            datagrams.append(rest.dropFirst(2).prefix(length))
            rest = rest.dropFirst(2 + length)
        }
        self.datagrams = datagrams
        ScriptedKernel.current = self
    }

    /// Makes a connection get its answers from here, and what it sends end here. Nothing reaches the kernel, not even what
    /// does not go through libnl.
    func answer(_ connection: NetlinkConnection) {
        let socket = connection.handle.pointer
        let unconnected = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        dup2(unconnected, nl_socket_get_fd(socket))
        close(unconnected)
        nl_socket_disable_seq_check(socket)
        let callbacks = nl_socket_get_cb(socket)
        nl_cb_overwrite_send(callbacks) { _, message in
            guard let message, let header = nlmsg_hdr(message) else { return 0 }
            ScriptedKernel.current?.sequence = header.pointee.nlmsg_seq
            return Int32(header.pointee.nlmsg_len)
        }
        nl_cb_overwrite_recv(callbacks) { _, sender, buffer, _ in ScriptedKernel.current?.receive(sender, buffer) ?? 0 }
        nl_cb_put(callbacks)
    }

    /// The next question gets all answers once more.
    func begin() { next = 0 }

    private func receive(
        _ sender: UnsafeMutablePointer<sockaddr_nl>?, _ buffer: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?
    ) -> Int32 {
        guard next < datagrams.count else { return -NLE_AGAIN }
        let datagram = datagrams[next]
        next += 1
        // The kernel sends nothing that is empty, and libnl frees what it is given.
        if datagram.isEmpty { return -NLE_AGAIN }
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: datagram.count)
        for (offset, byte) in numbered(Array(datagram)).enumerated() { copy[offset] = byte }
        sender?.pointee = sockaddr_nl()
        sender?.pointee.nl_family = sa_family_t(AF_NETLINK)
        buffer?.pointee = copy
        return Int32(datagram.count)
    }

    /// Messages with the number of the question, as answers have it; those without any number are somebody else's.
    private func numbered(_ datagram: [UInt8]) -> [UInt8] {
        var datagram = datagram
        datagram.withUnsafeMutableBytes { bytes in
            var start = 0
            while start + 16 <= bytes.count {
                let length = bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)
                if bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt32.self) != 0 {
                    bytes.storeBytes(of: sequence, toByteOffset: start + 8, as: UInt32.self)
                }
                guard length >= 16, length <= 1 << 20 else { break }
                start += (Int(length) + 3) & ~3
            }
        }
        return datagram
    }
}
