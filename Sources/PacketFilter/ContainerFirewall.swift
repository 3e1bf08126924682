public import NetworkAddress

/// Whoever decides on a host which containers get through, and which reach each other.
///
/// Everything is found again by its owner alone. What is removed and absent is no error. A command that throws leaves
/// nothing of what it has begun to add, and goes on with what else it has to remove.
public protocol ContainerFirewall {
    /// `nftables`, `iptables` and so on.
    var name: String { get }

    /// Lets a container through the firewall, and isolates it where its policy says so.
    ///
    /// Two policies on one bridge would not hold for each other: what comes second is refused.
    func admit(_ admission: ContainerAdmission) throws(PacketFilterError)

    /// Checks that everything is as ``admit(_:)`` made it.
    func check(_ admission: ContainerAdmission) throws(PacketFilterError)

    /// Takes back what ``admit(_:)`` made for an owner.
    ///
    /// - Parameter addresses: those of the container, where they are known: what other plugins made for them goes too, as
    ///   long as nobody else has them by now.
    func stopAdmitting(_ owner: RuleOwner, addresses: [IPAddress]) throws(PacketFilterError)

    /// Takes back what ``admit(_:)`` made for owners of a network that are not among `living`.
    func stopAdmitting(network: String, except living: Set<RuleOwner>) throws(PacketFilterError)

    /// The addresses that ``admit(_:)`` has let through for these attachments, and that are let through still.
    func admittedAddresses(_ whose: AdmittedAttachments) throws(PacketFilterError) -> Set<IPAddress>

    /// Finds out whether admitting could work, without changing anything.
    func checkAdmitting() throws(PacketFilterError)
}

extension PacketFilterError {
    /// Others have the other policy that isolates on the same bridge.
    ///
    /// - Parameter isWithin: whether the policy that is refused is `isolated`.
    static func policyConflict(
        _ backend: String, bridge: String, isWithin: Bool, owner: String
    ) -> PacketFilterError {
        let (refused, present) = isWithin ? ("isolated", "same-bridge") : ("same-bridge", "isolated")
        return PacketFilterError(
            backend: backend, operation: "cannot isolate the containers of bridge \(bridge)", cause: .mismatch,
            message: "ingressPolicy \"\(refused)\" does not go with \"\(present)\", which is that of \(owner)")
    }
}
