internal import JSON
internal import NetworkAddress

/// A container as somebody asks for it, in the words of the command line.
public struct ContainerRequest: Equatable, Sendable {
    public var networks: [String] = []
    public var addresses: [String] = []
    public var mac: String?
    public var ports: [String] = []
    public var name: String?
    public var hostName: String?
    public var links: [String] = []
    public var aliases: [String] = []

    public init() {}

    /// The network that a container without `--network` gets where there are several.
    public static let defaultNetwork = "default"

    /// What is to be made, once all of it is known to be valid.
    public struct Plan: Equatable, Sendable {
        /// Whether the container has a sandbox, and not the host's network.
        public var hasSandbox = true
        public var name: String?
        public var hostName: String?
        public var ports: [PortPublication] = []
        public var links: [ContainerLink] = []
        public var attachments: [ContainerAttachment] = []
    }

    /// Checks everything that does not depend on other containers.
    public func plan(_ offers: [NetworkOffer]) throws(ContainerRefusal) -> Plan {
        var plan = Plan()
        plan.name = try name.map { name throws(ContainerRefusal) in try ContainerNames.checked(name, "--name") }
        plan.hostName = try hostName.map { name throws(ContainerRefusal) in
            try ContainerNames.checked(name, "--hostname")
        }
        plan.ports = try PortPublication.all(ports)
        for link in links { plan.links.append(try ContainerLink(link)) }
        for alias in aliases { _ = try ContainerNames.checked(alias, "--alias") }
        let wantedMAC = try self.wantedMAC()
        if let builtIn = networks.first(where: { $0 == "host" || $0 == "none" }) {
            try refuseOptions(builtIn)
            plan.hasSandbox = builtIn == "none"
            return plan
        }
        let chosen = try chosen(offers)
        let addresses = try NetworkOffer.addresses(self.addresses, among: chosen)
        if !plan.ports.isEmpty, !chosen.contains(where: { $0.has(.portMappings) }) {
            for offer in chosen { try offer.require(.portMappings) }
        }
        try checkFamilies(of: plan.ports, chosen)
        for (index, offer) in chosen.enumerated() {
            plan.attachments.append(
                try offer.attachment(
                    "eth\(index)",
                    NetworkOffer.Wishes(
                        addresses: addresses[offer.name] ?? [], mac: index == 0 ? wantedMAC : nil, aliases: aliases,
                        ports: plan.ports)))
        }
        return plan
    }

    /// Refuses a port at an address of a family that no network has which could publish it: nobody would ever answer there.
    private func checkFamilies(of ports: [PortPublication], _ chosen: [NetworkOffer]) throws(ContainerRefusal) {
        let publishing = chosen.filter { $0.has(.portMappings) }
        for address in ports.compactMap(\.hostAddress) where !publishing.contains(where: { $0.mayHave(address.family) })
        {
            let family = address.family == .ipv4 ? "IPv4" : "IPv6"
            throw ContainerRefusal(
                "-p: the host's address \(address) leads nowhere, as the container gets no \(family) address: choose a "
                    + "network that has both")
        }
    }

    private func wantedMAC() throws(ContainerRefusal) -> MACAddress? {
        guard let mac else { return nil }
        guard let address = MACAddress(mac), address.isUsable else {
            throw ContainerRefusal(
                "--mac-address: expected the address of one link such as 02:42:ac:12:00:09, found \(JSONValue.quoted(mac))"
            )
        }
        return address
    }

    /// Host and none stand alone, and have nothing to choose.
    private func refuseOptions(_ builtIn: String) throws(ContainerRefusal) {
        if networks.count > 1 {
            throw ContainerRefusal("--network \(builtIn) stands alone: leave the other networks out, or it")
        }
        let options = [
            ("--ip", !addresses.isEmpty), ("--mac-address", mac != nil), ("-p", !ports.isEmpty),
            ("--alias", !aliases.isEmpty), ("--link", !links.isEmpty),
        ]
        if let option = options.first(where: \.1)?.0 {
            let reason =
                builtIn == "host" ? "the container has the network of the host" : "the container has no network"
            throw ContainerRefusal("\(option) does not go with --network \(builtIn), where \(reason): leave it out")
        }
    }

    private func chosen(_ offers: [NetworkOffer]) throws(ContainerRefusal) -> [NetworkOffer] {
        let names = offers.map(\.name)
        if networks.isEmpty {
            if let single = offers.first(where: { $0.name == ContainerRequest.defaultNetwork }) { return [single] }
            if offers.isEmpty {
                throw ContainerRefusal(
                    "there is no network: create one with \"cnitool network create net1\", "
                        + "or say --network host or --network none")
            }
            guard offers.count == 1 else {
                throw ContainerRefusal(
                    "there are several networks, and none is named \"\(ContainerRequest.defaultNetwork)\": "
                        + "choose with --network one of \(names.joined(separator: ", "))")
            }
            return offers
        }
        var chosen: [NetworkOffer] = []
        for name in networks {
            if chosen.contains(where: { $0.name == name }) {
                throw ContainerRefusal("--network \(name) is given twice: name each network once")
            }
            chosen.append(try ContainerRequest.offer(name, in: offers))
        }
        return chosen
    }

    /// The network of that name.
    ///
    /// - Parameter isRunning: whether it is for a container that runs, which cannot have those networks any more that need
    ///   no file.
    public static func offer(
        _ name: String, in offers: [NetworkOffer], isRunning: Bool = false
    ) throws(ContainerRefusal) -> NetworkOffer {
        guard let offer = offers.first(where: { $0.name == name }) else {
            if isRunning, name == "host" || name == "none" {
                throw ContainerRefusal(
                    "network \(name) is for containers that are run with it: choose it with \"cnitool run --network \(name)\""
                )
            }
            let known = (offers.map(\.name) + (isRunning ? [] : ["host", "none"])).joined(separator: ", ")
            throw ContainerRefusal(
                "there is no network \(JSONValue.quoted(name)): choose one of \(known), "
                    + "or create it with \"cnitool network create\"")
        }
        return offer
    }

    /// Another attachment of a container that runs (`network connect`).
    public static func attachment(
        of container: ContainerRecord, to offer: NetworkOffer, addresses: [String], aliases: [String]
    ) throws(ContainerRefusal) -> ContainerAttachment {
        for alias in aliases { _ = try ContainerNames.checked(alias, "--alias") }
        guard container.sandboxPath != nil else {
            throw ContainerRefusal(
                "container \(container.title) has the host's network: run it with --network none, or without --network host"
            )
        }
        if container.attachments.contains(where: { $0.network == offer.name }) {
            throw ContainerRefusal(
                "container \(container.title) is on network \"\(offer.name)\" already: "
                    + "\"cnitool network disconnect\" takes it off")
        }
        let own = try NetworkOffer.addresses(addresses, among: [offer])[offer.name] ?? []
        return try offer.attachment(
            container.nextInterfaceName,
            NetworkOffer.Wishes(addresses: own, aliases: aliases, ports: container.ports))
    }
}
