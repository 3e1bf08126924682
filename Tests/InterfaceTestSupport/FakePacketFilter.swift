public import NetworkAddress
public import PacketFilter
public import PacketFilterSetup
internal import SystemPackage

/// A packet filter in memory: it keeps what it is told, and can be made to fail.
public final class FakePacketFilter: PacketFilterAccess, PacketFilterBackend, SpoofChecker {
    /// What is in force, by owner.
    public struct State: Equatable {
        public var published: [RuleOwner: PortForwarding] = [:]
        public var masquerading: [RuleOwner: Masquerading] = [:]
        public var pinned: [RuleOwner: LinkPinning] = [:]
        public var admitted: [RuleOwner: ContainerAdmission] = [:]

        public init() {}
    }

    public var state = State()
    /// Which backends were asked for, in order; nil where the choice was left to the host.
    public private(set) var chosen: [PacketFilterBackendName?] = []
    /// Whether the kernel has what it takes.
    public var isSupported = true
    private let log: CallLog
    /// What its calls and errors begin with.
    public let name: String

    public init(_ log: CallLog, name: String = "packet filter") {
        self.log = log
        self.name = name
    }

    // MARK: PacketFilterAccess

    public var connected: any PacketFilterAccess { self }
    public var all: [any PacketFilterBackend] { [self] }
    public var spoofChecker: any SpoofChecker { self }

    public func backend(_ name: PacketFilterBackendName?) -> any PacketFilterBackend {
        chosen.append(name)
        return self
    }

    private func call(_ operation: String) throws(PacketFilterError) {
        do throws(Errno) { try log.record("\(name): \(operation)") } catch {
            throw PacketFilterError(backend: name, operation: "cannot \(operation)", cause: .kernel(error))
        }
    }

    private func require<Intent: Equatable>(_ found: Intent?, _ wanted: Intent) throws(PacketFilterError) {
        guard found == wanted else {
            throw PacketFilterError(backend: name, operation: "found \(String(describing: found))", cause: .mismatch)
        }
    }

    private func requireSupport() throws(PacketFilterError) {
        if !isSupported { throw PacketFilterError(backend: name, operation: "make a table", cause: .unsupported) }
    }

    // MARK: Published ports

    public func publish(_ forwarding: PortForwarding) throws(PacketFilterError) {
        try call("publish ports of \(forwarding.owner)")
        for (owner, other) in state.published where owner.containerID != forwarding.owner.containerID {
            for mapping in forwarding.mappings where other.mappings.contains(where: { $0.overlaps(mapping) }) {
                throw PacketFilterError(
                    backend: name, operation: "publish", cause: .conflict(owner: owner.description, mapping: mapping))
            }
        }
        state.published[forwarding.owner] = forwarding
    }

    public func check(_ forwarding: PortForwarding) throws(PacketFilterError) {
        try call("check ports of \(forwarding.owner)")
        try require(state.published[forwarding.owner], forwarding)
    }

    public func unpublish(_ owner: RuleOwner) throws(PacketFilterError) -> [PublishedPort] {
        try call("unpublish ports of \(owner)")
        return state.published.removeValue(forKey: owner)?.published ?? []
    }

    public func unpublish(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) -> [PublishedPort] {
        try call("unpublish ports of network \(network)")
        let stale = state.published.keys.filter { $0.network == network && !living.contains($0) }
        return stale.flatMap { state.published.removeValue(forKey: $0)?.published ?? [] }
    }

    public func checkPublishing() throws(PacketFilterError) { try requireSupport() }

    // MARK: Masquerading

    public func masquerade(_ masquerading: Masquerading) throws(PacketFilterError) {
        try call("masquerade \(masquerading.owner)")
        state.masquerading[masquerading.owner] = masquerading
    }

    public func check(_ masquerading: Masquerading) throws(PacketFilterError) {
        try call("check masquerading of \(masquerading.owner)")
        try require(state.masquerading[masquerading.owner], masquerading)
    }

    public func stopMasquerading(_ owner: RuleOwner) throws(PacketFilterError) {
        try call("stop masquerading \(owner)")
        state.masquerading[owner] = nil
    }

    public func stopMasquerading(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        try call("stop masquerading network \(network)")
        state.masquerading = state.masquerading.filter { $0.key.network != network || living.contains($0.key) }
    }

    public func checkMasquerading() throws(PacketFilterError) { try requireSupport() }

    // MARK: Firewall

    /// The addresses with which admissions were taken back, in order.
    public private(set) var takenBack: [[IPAddress]] = []

    public func admit(_ admission: ContainerAdmission) throws(PacketFilterError) {
        try call("admit \(admission.owner)")
        state.admitted[admission.owner] = admission
    }

    public func check(_ admission: ContainerAdmission) throws(PacketFilterError) {
        try call("check the admission of \(admission.owner)")
        try require(state.admitted[admission.owner], admission)
    }

    public func stopAdmitting(_ owner: RuleOwner, addresses: [IPAddress]) throws(PacketFilterError) {
        try call("stop admitting \(owner)")
        takenBack.append(addresses)
        state.admitted[owner] = nil
    }

    public func stopAdmitting(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        try call("stop admitting network \(network)")
        state.admitted = state.admitted.filter { $0.key.network != network || living.contains($0.key) }
    }

    public func admittedAddresses(_ whose: AdmittedAttachments) throws(PacketFilterError) -> Set<IPAddress> {
        try call("list admitted addresses")
        let admitted = state.admitted.filter { owner, _ in
            switch whose {
            case .all: true
            case .one(let one): owner == one
            case .network(let network, let living): owner.network == network && !living.contains(owner)
            }
        }
        return Set(admitted.values.flatMap(\.addresses))
    }

    public func checkAdmitting() throws(PacketFilterError) { try requireSupport() }

    // MARK: Spoof check

    public func pin(_ pinning: LinkPinning) throws(PacketFilterError) {
        try call("pin \(pinning.owner)")
        state.pinned[pinning.owner] = pinning
    }

    public func check(_ pinning: LinkPinning) throws(PacketFilterError) {
        try call("check the pins of \(pinning.owner)")
        try require(state.pinned[pinning.owner], pinning)
    }

    public func unpin(_ owner: RuleOwner) throws(PacketFilterError) {
        try call("unpin \(owner)")
        state.pinned[owner] = nil
    }

    public func unpin(network: String, except living: Set<RuleOwner>) throws(PacketFilterError) {
        try call("unpin network \(network)")
        state.pinned = state.pinned.filter { $0.key.network != network || living.contains($0.key) }
    }

    public func checkPinning() throws(PacketFilterError) { try requireSupport() }
}
