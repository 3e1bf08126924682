internal import Foundation

/// The state of a lab, one line a fact, to be compared: "nothing changed", "nothing is left".
public struct LabSnapshot: Equatable, Sendable {
    /// Such as `host link cni0 mtu = 1500`.
    public let facts: [String]

    public init(facts: [String]) { self.facts = facts }

    /// What differs in a later snapshot, one line a fact: `- ` before what is gone, `+ ` before what is new. Empty where
    /// nothing differs.
    public func changes(to later: LabSnapshot) -> String {
        let (before, after) = (Set(facts), Set(later.facts))
        let lines =
            facts.filter { !after.contains($0) }.map { "- \($0)" }
            + later.facts.filter { !before.contains($0) }.map { "+ \($0)" }
        return lines.joined(separator: "\n")
    }
}

extension Lab {
    /// Links, addresses, routes, rules of routing and of the packet filter, and the sysctls `conf/*` and forwarding of the
    /// host and of every container that still exists, and the files in the lab's folder.
    ///
    /// What changes by itself is left out: timers, carrier, life times, duplicate address detection, and the IPv6
    /// link-local addresses and routes that the kernel makes when a carrier comes up. So are counters of rules, and what
    /// stays of iptables once used: tables with nothing but empty built-in chains.
    public func snapshot(files: Bool = true) throws -> LabSnapshot {
        var facts = try host.facts("host")
        for (number, container) in containers.enumerated() where FileManager.default.fileExists(atPath: container.path)
        {
            facts += try container.facts("container \(number)")
        }
        return LabSnapshot(facts: facts + (files ? fileFacts() : []))
    }

    private func fileFacts() -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.sorted().map { name in
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: path(name), isDirectory: &isFolder), isFolder.boolValue {
                return "folder \(name)"
            }
            let contents = FileManager.default.contents(atPath: path(name)) ?? Data()
            return
                "file \(name), \(contents.count) bytes: \(String(decoding: contents.prefix(200), as: UTF8.self).debugDescription)"
        }
    }
}

extension LabNamespace {
    fileprivate func facts(_ place: String) throws -> [String] {
        let links = try objects(ip("-j", "-d", "link", "show")).flatMap { link in
            flattened(link, "\(place) link \(link["ifname"] ?? "?")")
        }
        let addresses = try objects(ip("-j", "addr", "show")).flatMap { link in
            (link["addr_info"] as? [[String: Any]] ?? []).filter { !isMadeByKernel($0, "local") }.map { address in
                "\(place) address \(link["ifname"] ?? "?") \(flattened(address, "").joined(separator: ","))"
            }
        }
        let routes = try ["-4", "-6"].flatMap { family in
            try objects(ip(family, "-j", "-d", "route", "show", "table", "all")).filter { !isMadeByKernel($0, "dst") }
                .map { route in
                    "\(place) route \(flattened(route, "").joined(separator: ","))"
                }
        }
        let rules = try ["-4", "-6"].flatMap { family in
            try ip(family, "rule", "show").split(separator: "\n").map { "\(place) rule \($0)" }
        }
        return (links + addresses + routes + rules).sorted() + (try filterFacts(place)) + (try sysctlFacts(place))
    }

    /// Some parameters of the kernel can be written only; those are left out.
    private func sysctlFacts(_ place: String) throws -> [String] {
        let outcome = try run(
            "sh", ["-c", "cd /proc/sys/net; grep -rs '' ipv4/conf ipv6/conf ipv4/ip_forward; true"])
        return outcome.outputText.split(separator: "\n").map { "\(place) sysctl \($0)" }.sorted()
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        guard !text.allSatisfy(\.isWhitespace) else { return [] }
        return try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
    }

    private func isMadeByKernel(_ object: [String: Any], _ key: String) -> Bool {
        let text = object[key] as? String ?? ""
        return text.hasPrefix("fe80:") || text == "ff00::/8"
    }

    private static let passing: Set<String> = [
        "operstate", "state", "tentative", "dadfailed", "valid_life_time", "preferred_life_time", "expires", "linkmode",
    ]
    private static let passingFlags: Set<String> = ["NO-CARRIER", "LOWER_UP", "linkdown"]

    /// One text for each value in nested objects: `<prefix> linkinfo info_kind = veth`.
    private func flattened(_ object: [String: Any], _ prefix: String) -> [String] {
        object.keys.sorted().flatMap { key -> [String] in
            guard let value = object[key], !Self.passing.contains(key), !key.hasSuffix("_timer") else { return [] }
            let name = prefix.isEmpty ? key : prefix + " " + key
            if let nested = value as? [String: Any] { return flattened(nested, name) }
            if let list = value as? [String] {
                return ["\(name) = \(list.filter { !Self.passingFlags.contains($0) }.joined(separator: " "))"]
            }
            if let list = value as? [[String: Any]] {
                return list.enumerated().flatMap { flattened($1, "\(name)[\($0)]") }
            }
            return ["\(name) = \(value)"]
        }
    }
}
