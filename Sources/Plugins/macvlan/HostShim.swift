internal import CNI
internal import CNIPlugin
internal import InterfaceSetup
internal import JSON
internal import LinuxSystem
internal import Netlink
internal import NetworkAddress
internal import SystemPackage

/// The host's own macvlan link on a network, beside those of the containers: a link reaches its macvlans only so.
///
/// It is made with the first attachment and goes with the last one. Which attachments there are, the kernel itself
/// keeps: each has a route on the host to each of its addresses, marked by its metric. The link's own addresses come
/// from IPAM like a container's: host-local shows them as leases of the container ``containerID``.
struct HostShim {
    /// The container id under which IPAM gives the host its addresses.
    static let containerID = "host"

    private let network: String
    private let ipamType: String?
    private let configuration: RequestConfiguration
    private let execution: Execution
    private let host: any NetworkStack
    private let kernel: any KernelAccess
    private let programs: any ProgramRunner
    private let lockFolder: String

    init(
        _ configuration: RequestConfiguration, _ execution: Execution, _ host: any NetworkStack, _ plugin: MacvlanPlugin
    ) {
        network = configuration.network
        ipamType = configuration.ipamType
        self.configuration = configuration
        self.execution = execution
        self.host = host
        kernel = plugin.kernel
        programs = plugin.programs
        lockFolder = plugin.lockFolder
    }

    private var name: String { HostLinkName.shim(network: network) }
    private var alias: String { "host shim of network \(network)" }

    // MARK: ADD

    /// Leads the host to the addresses of an attachment by the shim, which is made where it is missing.
    func join(
        _ attachment: Attachment, _ addresses: [IPPrefix], on parent: Link, _ rollback: Rollback
    ) throws -> Link {
        rollback.onFailure("leave \(name)") { _ = try removeRoutes { $0 == HostShim.mark(attachment) } }
        return try locked {
            let shim = try ensure(on: parent, for: addresses)
            for address in addresses {
                do throws(NetlinkError) { try host.add(route(to: address.address, attachment, shim)) } catch {
                    // What an ADD left that was killed.
                    guard error.isAlreadyThere else { throw error }
                }
            }
            return shim
        }
    }

    /// The shim, up, with an address of each family among `addresses`.
    private func ensure(on parent: Link, for addresses: [IPPrefix]) throws -> Link {
        if let found = try host.link(named: name) {
            if try isFit(found, on: parent, for: addresses) { return found }
            try remove(found)
        }
        let shim = try host.make(
            NewLink(name: name, kind: .macvlan(MacvlanSettings(mode: .bridge)), parent: parent.index))
        try kernel.write(
            Sysctls.ignoringRouterAdvertisements(name) + Sysctls.answeringWhomItLeadsTo(name), in: nil)
        // Made whole before it is up: one that is down is half made.
        let given = try addressesFromIPAM()
        // An IPAM plugin that gives everybody the same would have the host answer for the container.
        if let shared = given.first(where: { address in addresses.contains { $0.address == address } }) {
            throw CNIError(
                .invalidConfiguration,
                "hostShim: expected an address of the host's own from \(ipamType ?? "IPAM"), found \(shared), the container's"
            )
        }
        if given.contains(where: { $0.family == .ipv6 }) { try kernel.write(Sysctls.withIPv6(name), in: nil) }
        for address in given {
            try host.add(
                InterfaceAddress(IPPrefix(only: address), skipsDuplicateDetection: address.family == .ipv6), to: shim)
        }
        try host.change(shim, LinkChange(isUp: true, alias: alias))
        return shim
    }

    /// Whether a link of the shim's name can stay. One that cannot, and that nobody uses, is made anew.
    private func isFit(_ link: Link, on parent: Link, for addresses: [IPPrefix]) throws -> Bool {
        guard isOurs(link) else {
            throw CNIError(.failed, "hostShim: expected \(name) to be a host shim or absent, found another link")
        }
        let families = Set(try ownAddresses(link).map(\.family))
        let isOnParent = ParentLink.isParent(parent, of: link, inSameNamespace: true)
        if link.isUp && isOnParent && families.isSuperset(of: addresses.map(\.family)) { return true }
        if try routes(link).isEmpty { return false }
        throw CNIError(
            .failed,
            "hostShim: \(name), which containers of the network use, \(isOnParent ? "lacks an address of every family that the network has now" : "is not on \(parent.name)")",
            details: "detach them first")
    }

    private func ownAddresses(_ link: Link) throws -> [IPAddress] {
        try host.addresses(of: link, nil).map(\.prefix.address).filter { !$0.isLinkLocal }
    }

    private func isOurs(_ link: Link) -> Bool {
        link.kind == "macvlan" && (link.alias == nil || link.alias == alias)
    }

    // MARK: DEL

    /// Takes back what ``join(_:_:on:_:)`` did; the shim goes with its last attachment.
    func leave(_ attachment: Attachment) throws {
        guard try removeRoutes({ $0 == HostShim.mark(attachment) }) == .absent,
            (try? configuration.document["hostShim"].bool()) == true
        else { return }
        // Whoever has deleted the shim by hand has left its addresses with IPAM.
        try locked {
            if try host.link(named: name) == nil { try delegate()?.delete() }
        }
    }

    /// Removes what belongs to attachments that are not among `living`; whether the shim stays.
    func collectGarbage(living: Set<Attachment>) throws -> Bool {
        let marks = Set(living.map(HostShim.mark))
        return try removeRoutes { !marks.contains($0) } == .stays
    }

    /// How IPAM's GC is to be called where the shim stays: with it among the attachments that live.
    func executionKeepingAddresses() throws -> Execution {
        var document = try configuration.document.object() ?? JSONObject()
        let shim: JSONValue = ["containerID": .string(HostShim.containerID), "ifname": .string(name)]
        // Runtimes use both keys, and an IPAM plugin may read either.
        for key in HostShim.attachmentsKeys {
            guard case .array(let given)? = document[key] else { continue }
            document[key] = .array(given + [shim])
        }
        return Execution(environment: execution.environment, input: JSONValue.object(document).text())
    }

    private static let attachmentsKeys = ["cni.dev/valid-attachments", "cni.dev/attachments"]

    /// What became of the shim.
    private enum Outcome { case absent, removed, stays }

    /// Deletes the routes with such marks, and the shim where no other is left.
    private func removeRoutes(_ isStale: (UInt32) -> Bool) throws -> Outcome {
        // Most networks have none, and need no lock.
        guard try host.link(named: name) != nil else { return .absent }
        return try locked {
            guard let shim = try host.link(named: name), isOurs(shim) else { return .absent }
            var isUsed = false
            for route in try routes(shim) {
                if isStale(route.priority ?? 0) { try host.delete(route) } else { isUsed = true }
            }
            if isUsed { return .stays }
            try remove(shim)
            return .removed
        }
    }

    /// Deletes the shim. Its addresses go back before it does, for whoever comes after a kill to know of them; and it
    /// no longer answers for them then.
    private func remove(_ shim: Link) throws {
        try host.change(shim, LinkChange(isUp: false))
        try delegate()?.delete()
        try host.deleteLink(index: shim.index)
    }

    // MARK: CHECK

    /// Checks that the host reaches the addresses by the shim.
    func check(_ attachment: Attachment, _ addresses: [IPPrefix], on parent: Link) throws {
        guard let shim = try host.link(named: name) else {
            throw CNIError(.failed, "\(name), the host's link on the network, is gone")
        }
        guard isOurs(shim), ParentLink.isParent(parent, of: shim, inSameNamespace: true) else {
            throw CNIError(.failed, "\(name) is no host shim on \(parent.name)")
        }
        guard shim.isUp else { throw CNIError(.failed, "\(name), the host's link on the network, is down") }
        let own = try ownAddresses(shim)
        let routes = try routes(shim)
        for address in addresses {
            let wanted = route(to: address.address, attachment, shim)
            guard own.contains(where: { $0.family == address.family }) else {
                throw CNIError(.failed, "\(name) has no \(address.family == .ipv4 ? "IPv4" : "IPv6") address")
            }
            guard routes.contains(where: { $0.destination == wanted.destination && $0.priority == wanted.priority })
            else {
                throw CNIError(.failed, "the host lacks the route to \(address.address) by \(name)")
            }
        }
    }

    // MARK: Routes

    /// The routes that stand for attachments.
    private func routes(_ shim: Link) throws -> [Route] {
        try AddressFamily.allCases.flatMap { try host.routes($0, through: shim) }.filter { route in
            route.destination.length == route.destination.family.bitWidth && (route.priority ?? 0) >= HostShim.firstMark
        }
    }

    private func route(to address: IPAddress, _ attachment: Attachment, _ shim: Link) -> Route {
        Route(
            destination: IPPrefix(only: address), nextHops: [.init(link: shim.index)],
            priority: HostShim.mark(attachment))
    }

    /// Metrics from here on are marks: nobody chooses such by hand.
    private static let firstMark: UInt32 = 1 << 31

    /// The metric of the routes of an attachment. There is one route to each address, so that it decides nothing.
    private static func mark(_ attachment: Attachment) -> UInt32 {
        let texts = [attachment.network, attachment.containerID, attachment.interfaceName]
        return firstMark | UInt32(truncatingIfNeeded: StableHash.value(of: texts) >> 32)
    }

    // MARK: IPAM

    private func addressesFromIPAM() throws -> [IPAddress] {
        guard let ipamType, let delegate = try delegate() else { return [] }
        // The addresses of a shim that went with the machine's last shutdown.
        try delegate.delete()
        let answer: AttachmentResult
        do { answer = try delegate.startAdding().result() } catch let error as CNIError {
            throw CNIError(error.code, "hostShim: no address for the host: \(error.message)", details: error.details)
        }
        try AddressPlan.checkAddresses(answer.ips, from: ipamType)
        return answer.ips.map(\.address.address)
    }

    /// The IPAM plugin, called for the shim: nothing that the runtime wants for the container is wanted for it.
    private func delegate() throws -> Delegate? {
        var environment = execution.environment
        environment["CNI_CONTAINERID"] = HostShim.containerID
        environment["CNI_IFNAME"] = name
        environment["CNI_ARGS"] = nil
        let document = try configuration.document.object()?.without(
            ["runtimeConfig", "args", "prevResult"] + HostShim.attachmentsKeys)
        let input = JSONValue.object(document ?? JSONObject()).text()
        return Delegate.ipam(configuration, Execution(environment: environment, input: input), programs)
    }

    // MARK: Lock

    /// Holds the lock that all host shims share. It ends with the process, however that ends.
    private func locked<Result>(_ body: () throws -> Result) throws -> Result {
        let lock: FileLock
        do throws(Errno) {
            // Nobody else may open it: whoever can may also hold it for ever.
            lock = try Directory(creating: lockFolder).lock("host-shim.lock", mode: 0o600)
        } catch {
            throw CNIError(.failed, "cannot lock \(lockFolder)/host-shim.lock", details: error.description)
        }
        let result = try body()
        _ = consume lock
        return result
    }
}
