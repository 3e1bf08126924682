internal import CNetlink
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A connection to one part of the kernel (netlink(7)): requests, and what comes back.
///
/// This is all that rtnetlink and nfnetlink have in common; PacketFilter uses it too.
package final class NetlinkConnection {
    /// A part of the kernel that speaks netlink.
    package enum Part {
        /// Links, addresses and routes (NETLINK_ROUTE).
        case route
        /// Packet filter and connection tracking (NETLINK_NETFILTER).
        case netfilter

        fileprivate var number: Int32 { self == .route ? NETLINK_ROUTE : NETLINK_NETFILTER }
    }

    let handle: SocketHandle
    private let exchange = Exchange()
    /// Whether an answer could not be received. The kernel may then still be telling it, and refuse to tell another list.
    package internal(set) var hasLostAnswers = false

    /// Connects in the namespace of the calling thread.
    package init(_ part: Part) throws(NetlinkError) {
        handle = try SocketHandle(part)
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        nl_socket_modify_cb(handle.pointer, NL_CB_VALID, NL_CB_CUSTOM, visitReply, context)
        nl_socket_modify_cb(handle.pointer, NL_CB_ACK, NL_CB_CUSTOM, visitEnd, context)
        nl_socket_modify_cb(handle.pointer, NL_CB_FINISH, NL_CB_CUSTOM, visitEnd, context)
        nl_socket_modify_err_cb(handle.pointer, NL_CB_CUSTOM, visitError, context)
    }

    /// Sends a request and waits for its acknowledgement; `visit` sees what the kernel sends before that.
    package func perform(
        _ operation: @autoclosure () -> String, _ message: consuming NetlinkMessage,
        _ visit: (NetlinkReply) -> Void = { _ in }
    ) throws(NetlinkError) {
        try run(operation(), message, flags: UInt16(NLM_F_ACK), endsWithReply: false, visit)
    }

    /// Sends a request for one object and returns what `read` makes of the reply.
    package func get<Object>(
        _ operation: @autoclosure () -> String, _ message: consuming NetlinkMessage, _ read: (NetlinkReply) -> Object?
    ) throws(NetlinkError) -> Object? {
        var object: Object?
        try run(operation(), message, flags: 0, endsWithReply: true) { object = read($0) }
        return object
    }

    /// Sends a request for many objects and returns those of which `read` makes something.
    ///
    /// A list that changed while the kernel told it is asked for again.
    package func dump<Object>(
        _ operation: @autoclosure () -> String, _ message: () -> NetlinkMessage, _ read: (NetlinkReply) -> Object?
    ) throws(NetlinkError) -> [Object] {
        var attempts = 0
        while true {
            var objects: [Object] = []
            do {
                try run(operation(), message(), flags: UInt16(Self.dumpFlags), endsWithReply: false) { reply in
                    if let object = read(reply) { objects.append(object) }
                }
                return objects
            } catch {
                attempts += 1
                guard error.errno == .interrupted, attempts < 50 else { throw error }
            }
        }
    }

    private static let dumpFlags: Int32 = 0x300  // NLM_F_DUMP = NLM_F_ROOT | NLM_F_MATCH

    private func run(
        _ operation: @autoclosure () -> String, _ message: consuming NetlinkMessage, flags: UInt16, endsWithReply: Bool,
        _ visit: (NetlinkReply) -> Void
    ) throws(NetlinkError) {
        nlmsg_hdr(message.pointer).pointee.nlmsg_flags |= flags
        exchange.begin(endsWithReply: endsWithReply)
        var sent: Int32
        // What a signal interrupts has not been sent; libnl repeats what it receives, and not what it sends.
        repeat { sent = nl_send_auto(handle.pointer, message.pointer) } while sent == -NLE_INTR
        guard sent >= 0 else { throw NetlinkError(operation: operation(), errno: Errno(libnl: sent)) }
        exchange.sequence = nlmsg_hdr(message.pointer).pointee.nlmsg_seq
        let received = withoutActuallyEscaping(visit) { visit in
            exchange.visit = visit
            defer { exchange.visit = nil }
            return receiveAll()
        }
        if let failure = exchange.failure {
            throw NetlinkError(operation: operation(), errno: failure.errno, message: failure.message)
        }
        if received < 0 {
            let error = NetlinkError(operation: operation(), errno: Errno(libnl: received))
            // A list that changed meanwhile has been received to its end.
            if error.errno != .interrupted { hasLostAnswers = true }
            throw error
        }
    }

    /// Receives until the exchange is over; libnl's error code, if any.
    private func receiveAll() -> Int32 {
        while !exchange.isOver {
            let received = nl_recvmsgs_default(handle.pointer)
            if received < 0 { return received }
        }
        return 0
    }
}

/// The C socket, closed and freed at the end of its life.
struct SocketHandle: ~Copyable {
    let pointer: OpaquePointer
    private let part: NetlinkConnection.Part

    /// Connects with extended acknowledgements, with filters that the kernel honours for lists, and with a buffer that
    /// takes any message in one call.
    init(_ part: NetlinkConnection.Part) throws(NetlinkError) {
        guard let socket = nl_socket_alloc() else { fatalError("out of memory") }
        let connected = nl_connect(socket, part.number)
        guard connected == 0 else {
            nl_socket_free(socket)
            throw NetlinkError(operation: "open a netlink socket", errno: Errno(libnl: connected))
        }
        nl_socket_disable_auto_ack(socket)
        nl_socket_set_msg_buf_size(socket, 32768)
        var on: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // Kernels before 4.12 and 4.20 lack these: errors then come without text, lists without filters.
        setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_EXT_ACK, &on, size)
        setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_CAP_ACK, &on, size)
        setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, size)
        pointer = socket
        self.part = part
    }

    deinit {
        // The release of a socket of nf_tables waits until nothing is left of what anybody has deleted: 10 ms and more.
        guard part == .netfilter else {
            nl_socket_free(pointer)
            return
        }
        let release = BackgroundRelease(of: nl_socket_get_fd(pointer))
        nl_socket_free(pointer)
        // Now, and not before, the descriptor being closed.
        _ = consume release
    }
}

/// What is known of the request that is under way.
private final class Exchange {
    private(set) var isOver = false
    private(set) var failure: (errno: Errno, message: String?)?
    private var endsWithReply = false
    /// The number of the request. What is left of an earlier one, which failed half-way, is no answer to it.
    var sequence: UInt32 = 0
    var visit: ((NetlinkReply) -> Void)?

    func begin(endsWithReply: Bool) {
        self.endsWithReply = endsWithReply
        isOver = false
        failure = nil
    }

    func received(_ reply: NetlinkReply) {
        visit?(reply)
        if endsWithReply { isOver = true }
    }

    func ended() {
        isOver = true
    }

    func failed(_ errno: Errno, _ message: String?) {
        failure = (errno, message)
        isOver = true
    }

    /// The exchange that a message belongs to; nil: none that is under way.
    static func of(_ header: UnsafeMutablePointer<nlmsghdr>, _ context: UnsafeMutableRawPointer?) -> Exchange? {
        let exchange = context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
        return exchange?.sequence == header.pointee.nlmsg_seq ? exchange : nil
    }
}

// libnl's callbacks. They are plain functions of C; the context is the socket's Exchange.

private func visitReply(_ message: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> CInt {
    if let message, let header = nlmsg_hdr(message) {
        Exchange.of(header, context)?.received(NetlinkReply(header: header))
    }
    return CInt(NL_OK.rawValue)
}

private func visitEnd(_ message: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> CInt {
    guard let message, let header = nlmsg_hdr(message), let exchange = Exchange.of(header, context) else {
        return CInt(NL_SKIP.rawValue)
    }
    // A list that failed half-way ends like one that did not, but with an error number in its last message.
    if header.pointee.nlmsg_type == UInt16(NLMSG_DONE),
        let status = NetlinkReply(header: header).structure(Int32.self), status < 0
    {
        exchange.failed(Errno(answer: status), nil)
    } else {
        exchange.ended()
    }
    return CInt(NL_STOP.rawValue)
}

/// Keeps the kernel's error number and text, of which libnl would keep neither.
private func visitError(
    _ sender: UnsafeMutablePointer<sockaddr_nl>?, _ error: UnsafeMutablePointer<nlmsgerr>?,
    _ context: UnsafeMutableRawPointer?
) -> CInt {
    guard let error else { return CInt(NL_STOP.rawValue) }
    guard let exchange = Exchange.of(header(of: error), context) else { return CInt(NL_SKIP.rawValue) }
    exchange.failed(Errno(answer: error.pointee.error), extendedText(error))
    return CInt(NL_STOP.rawValue)
}

/// The text of an extended acknowledgement (NLMSGERR_ATTR_MSG). It follows the error; the request that failed is not
/// repeated in between, because the socket asked for NETLINK_CAP_ACK.
func extendedText(_ error: UnsafeMutablePointer<nlmsgerr>) -> String? {
    let header = header(of: error)
    guard header.pointee.nlmsg_flags & UInt16(NLM_F_ACK_TLVS) != 0 else { return nil }
    return NetlinkReply(header: header).attributes(after: nlmsgerr.self)[NLMSGERR_ATTR_MSG.rawValue]?.text
}

/// The message that an error is in.
private func header(of error: UnsafeMutablePointer<nlmsgerr>) -> UnsafeMutablePointer<nlmsghdr> {
    UnsafeMutableRawPointer(error).advanced(by: -MemoryLayout<nlmsghdr>.size).assumingMemoryBound(to: nlmsghdr.self)
}

extension Errno {
    /// The error number of an answer (struct nlmsgerr), where it stands negated.
    init(answer: Int32) { self.init(rawValue: 0 &- answer) }

    /// The nearest error number for one of libnl's codes, for failures that did not come from the kernel.
    init(libnl code: Int32) {
        switch abs(code) {
        case NLE_INTR, NLE_DUMP_INTR: self = .interrupted
        case NLE_NOMEM: self = .noMemory
        case NLE_AGAIN: self = .resourceTemporarilyUnavailable
        case NLE_PERM: self = .notPermitted
        case NLE_NOACCESS: self = .permissionDenied
        case NLE_BAD_SOCK: self = .badFileDescriptor
        case NLE_PROTO_MISMATCH: self = .protocolNotSupported
        case NLE_AF_NOSUPPORT: self = .addressFamilyNotSupported
        case NLE_OPNOTSUPP: self = .notSupported
        case NLE_MSGSIZE, NLE_MSG_TRUNC, NLE_RANGE: self = .messageTooLong
        default: self = .ioError
        }
    }
}
