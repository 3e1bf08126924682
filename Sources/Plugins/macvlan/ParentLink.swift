internal import CNI
internal import InterfaceSetup
internal import JSON
internal import Netlink
internal import NetworkAddress
internal import SystemPackage

/// The link that the containers of a network are on: the `master`.
struct ParentLink {
    private let configuration: MacvlanConfiguration
    private let stack: any NetworkStack

    /// - Parameter stack: of the namespace that the link is in: the host's, or the container's for `linkInContainer`.
    init(_ configuration: MacvlanConfiguration, _ stack: any NetworkStack) {
        self.configuration = configuration
        self.stack = stack
    }

    private var place: String { configuration.linkInContainer ? "the container" : "the host" }

    /// Finds it, and makes sure that it allows for the MTU.
    ///
    /// - Parameter prevResult: what the plugins before this one made.
    func find(_ prevResult: AttachmentResult?) throws -> Link {
        let parent = try found(prevResult)
        if let mtu = configuration.mtu, mtu > parent.mtu {
            throw CNIError(
                .invalidConfiguration, "mtu: expected at most the \(parent.mtu) of \(parent.name), found \(mtu)")
        }
        return parent
    }

    private func found(_ prevResult: AttachmentResult?) throws -> Link {
        if let name = configuration.master ?? madeBefore(prevResult) {
            if let link = try stack.link(named: name) { return link }
            throw CNIError(
                .invalidConfiguration,
                "master: expected the name of a link of \(place), found \(JSONValue.quoted(name)), which is not there")
        }
        if let link = try ofDefaultRoute() { return link }
        throw CNIError(
            .invalidConfiguration,
            "master: expected the name of a link, found none, and \(place) has no default route whose link could be it")
    }

    /// The one link that the plugins before this one made where the master is to be.
    private func madeBefore(_ prevResult: AttachmentResult?) -> String? {
        let made = (prevResult?.interfaces ?? []).filter { ($0.sandbox != nil) == configuration.linkInContainer }
        return made.count == 1 ? made.first?.name : nil
    }

    private func ofDefaultRoute() throws -> Link? {
        for family in AddressFamily.allCases {
            let routes = try stack.routes(family, table: nil).filter { $0.destination.length == 0 }
            let best = routes.min { $0.priority ?? 0 < $1.priority ?? 0 }
            if let hop = best?.nextHops.first, let link = try stack.link(index: hop.link) { return link }
        }
        return nil
    }

    /// Whether a link is a macvlan on `parent`. One that is made on another macvlan is on what that is on.
    static func isParent(_ parent: Link, of link: Link, inSameNamespace: Bool) -> Bool {
        guard link.kind == "macvlan" else { return false }
        if parent.kind == "macvlan" { return link.tiedTo == parent.tiedTo }
        return link.tiedTo == parent.index && link.isTiedElsewhere != inSameNamespace
    }

    /// Says why the kernel takes no macvlan on a link, where its error number does not.
    func explained(_ error: NetlinkError, _ parent: Link) -> any Error {
        let name = parent.name
        switch error.errno {
        case .resourceBusy:
            let master = parent.master.flatMap { try? stack.link(index: $0) }
            let user = master.map { "it is a port of \($0.name)" } ?? "links of another kind, such as ipvlan, are on it"
            return CNIError(.failed, "master \(name) is taken: \(user)", details: error.description)
        case .invalidArgument where name == "lo":
            return CNIError(.invalidConfiguration, "master: expected a link to a network, found lo")
        case .invalidArgument where configuration.mode == .passthru:
            return CNIError(
                .failed, "master \(name) has other macvlan links, and mode passthru wants it alone",
                details: error.description)
        case .invalidArgument:
            return CNIError(
                .failed, "master \(name) takes no macvlan link: it is no Ethernet, or has one in mode passthru",
                details: error.description)
        default: return error
        }
    }
}
