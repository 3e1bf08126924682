internal import JSON

extension NewNetwork.Driver {
    /// What may stand after `-o`, for somebody to choose from: a key, and the value where it is one of a few words.
    public var optionExamples: [String] {
        NetworkDriverOptions.known(self).flatMap { key in
            switch key {
            case "host-shim": ["\(key)=true"]
            case "isolate": ["\(key)=false"]
            case "mode": NetworkDriverOptions.modes.map { "\(key)=\($0)" }
            default: ["\(key)="]
            }
        }
    }
}

/// What `-o key=value` says, checked.
struct NetworkDriverOptions {
    private(set) var mtu: Int?
    private(set) var vlan: Int?
    /// As people expect of networks: who is to reach a container of another one is connected to both.
    private(set) var isolates = true
    private(set) var hasHostShim = false
    private(set) var mode: String?
    private(set) var parent: String?

    fileprivate static let modes = ["bridge", "private", "vepa", "passthru"]

    /// The keys that a driver knows.
    static func known(_ driver: NewNetwork.Driver) -> [String] {
        switch driver {
        case .bridge: ["isolate", "mtu", "vlan"]
        case .macvlan: ["host-shim", "mode", "mtu", "parent"]
        }
    }

    init(_ network: NewNetwork) throws(NetworkRefusal) {
        if network.parent != nil, network.driver != .macvlan {
            throw NetworkRefusal("--parent is for macvlan networks: add -d macvlan, or leave --parent out")
        }
        if network.backend != nil, network.driver == .macvlan {
            throw NetworkRefusal("--backend is for bridge networks: macvlan networks have no rules")
        }
        parent = network.parent
        for option in network.options {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let known = NetworkDriverOptions.known(network.driver)
            guard parts.count == 2 else {
                throw NetworkRefusal("-o: expected KEY=VALUE, found \(JSONValue.quoted(option))")
            }
            guard known.contains(parts[0]) else {
                throw NetworkRefusal(
                    "-o: the driver \(network.driver.rawValue) has no option \(JSONValue.quoted(parts[0])), it has "
                        + known.joined(separator: ", "))
            }
            try set(parts[0], parts[1])
        }
        if hasHostShim, let mode, mode != "bridge" {
            throw NetworkRefusal("-o host-shim: the host reaches containers in mode bridge only, found mode=\(mode)")
        }
    }

    private mutating func set(_ key: String, _ value: String) throws(NetworkRefusal) {
        func number(_ limits: ClosedRange<Int>) throws(NetworkRefusal) -> Int {
            guard let number = Int(value), limits.contains(number) else {
                throw refusal("a whole number from \(limits.lowerBound) to \(limits.upperBound)")
            }
            return number
        }
        func refusal(_ expected: String) -> NetworkRefusal {
            NetworkRefusal("-o \(key): expected \(expected), found \(JSONValue.quoted(value))")
        }
        func flag() throws(NetworkRefusal) -> Bool {
            guard let flag = Bool(value) else { throw refusal("true or false") }
            return flag
        }
        switch key {
        case "mtu": mtu = try number(68...65535)
        case "vlan": vlan = try number(1...4094)
        case "isolate": isolates = try flag()
        case "host-shim": hasHostShim = try flag()
        case "mode":
            guard NetworkDriverOptions.modes.contains(value) else {
                throw refusal("one of \(NetworkDriverOptions.modes.joined(separator: ", "))")
            }
            mode = value
        default:
            if let parent, parent != value { throw refusal("the link of --parent, \(parent)") }
            parent = value
        }
    }
}
