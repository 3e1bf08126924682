import CNI
import Foundation
import JSON
import TestSupport
import Testing

/// A thousand generated bad calls of each plugin: whatever comes in, one answer comes out and nothing has changed.
@Suite(.needsLab, .needs(.bridge)) struct BadInputTests {
    /// The plugins, each with a valid configuration and the executables that it needs beside it.
    static let plugins: [(name: String, configuration: String)] = [
        (
            "loopback",
            #"{"cniVersion":"1.1.0","name":"cni-loopback","type":"loopback","prevResult":{"ips":[{"address":"127.0.0.1/8"}]}}"#
        ),
        (
            "bridge",
            #"{"cniVersion":"1.1.0","name":"net","type":"bridge","bridge":"cni0","isGateway":true,"mtu":1400,"vlan":0,"#
                + #""hairpinMode":true,"ipam":{"type":"host-local","dataDir":"DATA","ranges":[[{"subnet":"10.77.0.0/24"}]],"#
                + #""routes":[{"dst":"0.0.0.0/0"}]},"ipMasq":true,"ipMasqBackend":"nftables","ipspoofchk":true,"dns":{"nameservers":["10.77.0.1"]},"args":{"cni":{"ips":["10.77.0.9"]}}}"#
        ),
        (
            "host-local",
            #"{"cniVersion":"1.1.0","name":"net","ipam":{"type":"host-local","dataDir":"DATA","resolvConf":"/dev/null","#
                + #""ranges":[[{"subnet":"10.77.0.0/24","rangeStart":"10.77.0.5","gateway":"10.77.0.1"}],[{"subnet":"fd77::/64"}]],"#
                + #""routes":[{"dst":"::/0","gw":"fd77::1","mtu":1400}]}}"#
        ),
        (
            "macvlan",
            #"{"cniVersion":"1.1.0","name":"net","type":"macvlan","master":"wire0","mode":"bridge","mtu":1400,"bcqueuelen":9,"#
                + #""hostShim":true,"enabledad":false,"ipam":{"type":"host-local","dataDir":"DATA","ranges":"#
                + #"[[{"subnet":"10.77.0.0/24"}],[{"subnet":"fd77::/64"}]],"routes":[{"dst":"0.0.0.0/0"}]},"#
                + #""dns":{"nameservers":["10.77.0.1"]},"args":{"cni":{"mac":"02:00:00:00:77:01"}}}"#
        ),
        ("portmap", portmap("nftables")), ("portmap", portmap("iptables")),
        (
            "tuning",
            #"{"cniVersion":"1.1.0","name":"net","type":"tuning","dataDir":"DATA","mac":"02:00:00:00:00:0a","mtu":1400,"#
                + #""promisc":true,"allmulti":true,"txQLen":7,"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"0","net/core/somaxconn":"7"},"#
                + #""args":{"cni":{"mtu":1300,"sysctl":{"net.ipv4.ip_default_ttl":"9"}}},"runtimeConfig":{"mac":"02:00:00:00:00:0b"},"#
                + #""prevResult":{"interfaces":[{"name":"eth0","sandbox":"/x"}],"ips":[{"interface":0,"address":"10.77.0.2/24"}]}}"#
        ),
        ("firewall", firewall("nftables")), ("firewall", firewall("iptables")),
    ]

    private static func firewall(_ backend: String) -> String {
        #"{"cniVersion":"1.1.0","name":"net","type":"firewall","backend":"\#(backend)","ingressPolicy":"open","#
            + #""iptablesAdminChainName":"CNI-ADMIN","firewalldZone":"trusted","prevResult":"#
            + #"{"interfaces":[{"name":"cni0"},{"name":"eth0","sandbox":"/x"}],"ips":[{"interface":1,"address":"10.77.0.2/24"},{"interface":1,"address":"fd77::2/64"}]}}"#
    }

    private static func portmap(_ backend: String) -> String {
        #"{"cniVersion":"1.1.0","name":"net","type":"portmap","backend":"\#(backend)","snat":true,"markMasqBit":3,"#
            + #""conditionsV4":["!","-s","192.0.2.0/24"],"runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"#
            + #""protocol":"tcp","hostIP":"192.0.2.1"},{"hostPort":53,"containerPort":53,"protocol":"udp"}]},"prevResult":"#
            + #"{"interfaces":[{"name":"cni0"},{"name":"eth0","sandbox":"/x"}],"ips":[{"interface":1,"address":"10.77.0.2/24"}]}}"#
    }

    /// How many calls of each plugin; `CNI_BAD_INPUTS` asks for another number.
    static let count = ProcessInfo.processInfo.environment["CNI_BAD_INPUTS"].flatMap { Int($0) } ?? 1000

    /// The positions of those that exist: one that is still to be written knows no command.
    static let built = plugins.indices.filter { isBuilt(plugins[$0].name) }

    @Test(.enabled(if: !built.isEmpty, "no plugin has been built"), arguments: built)
    func `bad calls get one error each and change nothing`(number: Int) throws {
        let (name, configuration) = BadInputTests.plugins[number]
        try expectGoodAnswers(of: name, configuration)
    }

    private static func isBuilt(_ name: String) -> Bool {
        let outcome = try? Subprocess.run(
            Executables.path(of: name), [], environment: ["CNI_COMMAND": "VERSION"], timeout: 5)
        return outcome?.outputText.contains("supportedVersions") ?? false
    }

    /// The harness notices each kind of bad answer.
    @Test(
        arguments: [
            ("kill -SEGV $$", "signal 11"), ("exit 1", "no error"), ("echo todo; exit 1", "no error"),
            ("echo '{}'; exit 1", "no error"), ("echo '{\"code\":7,\"msg\":\"x\"}'", "an error and exit status 0"),
            ("echo '{\"code\":7,\"msg\":\"x\"}{\"code\":7,\"msg\":\"x\"}'; exit 1", "no error"),
            ("echo '{\"code\":7,\"msg\":\"x\"}'; exit 1", nil), ("exit 0", nil), ("echo todo", "printed no result"),
        ] as [(String, String?)])
    func `notices bad answers`(script: String, complaint: String?) throws {
        let lab = try Lab()
        let plugin = try lab.write("#!/bin/sh\n\(script)\n", to: "plugin", executable: true)
        let found = BadInputTests.complaint(about: try lab.call(plugin, "DEL", "{}").outcome)
        #expect((found == nil) == (complaint == nil))
        #expect(found?.contains(complaint ?? "") ?? true, "\(found ?? "")")
    }

    private func expectGoodAnswers(of plugin: String, _ configuration: String) throws {
        let lab = try Lab()
        let data = lab.path("data")
        let generator = BadInputGenerator(
            configuration: configuration.replacingOccurrences(of: "DATA", with: data),
            variables: [
                "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CNI_CONTAINERID": "bad-1", "CNI_NETNS": lab.container.path,
                "CNI_IFNAME": "eth0", "CNI_PATH": Executables.folder,
            ])
        try lab.host.shell("ip link add wire0 type veth peer name wire1; ip link set wire0 up; ip link set wire1 up")
        // The kernel gives lo its address when it first comes up, and leaves it there.
        for state in ["up", "down"] { try lab.container.ip("link", "set", "lo", state) }
        let isChained = plugin == "tuning"
        if isChained { try lab.container.shell("ip link add eth0 type veth peer name eth1") }
        let before = try lab.snapshot(files: false)
        let complaints = Complaints()
        // Two at a time: commands of one container may follow each other in any order. Not where what one found is what the
        // other leaves, or where containers share something on the host that the last one gives back.
        let lanes = isChained || configuration.contains("hostShim") ? 1 : 2
        DispatchQueue.concurrentPerform(iterations: lanes) { lane in
            for number in stride(from: lane, to: BadInputTests.count, by: lanes) {
                let call = generator.call(number)
                guard let answer = try? lab.call(plugin, environmentEntries: call.entries, input: call.input) else {
                    complaints.add("\(number): could not be run")
                    continue
                }
                if let complaint = BadInputTests.complaint(about: answer.outcome) {
                    complaints.add("\(number) (\(call.command)): \(complaint)")
                }
                guard answer.isSuccess, call.command == "ADD" else { continue }
                complaints.countValid()
                var removal = call
                removal.variables["CNI_COMMAND"] = Array("DEL".utf8)
                let removed = try? lab.call(plugin, environmentEntries: removal.entries, input: removal.input)
                if removed?.isSuccess != true {
                    complaints.add("\(number): DEL after a valid ADD: \(removed?.description ?? "")")
                }
            }
        }
        let list = complaints.all
        #expect(list.isEmpty, "\(list.count) complaints, the first: \(list.prefix(5).joined(separator: "\n"))")
        #expect(complaints.valid < BadInputTests.count / 3, "too many calls are valid")
        try cleanUpBridges(lab, before)
    }

    /// A bridge outlives its last container on purpose, and DEL of loopback sets lo down; everything else is a leak.
    private func cleanUpBridges(_ lab: Lab, _ before: LabSnapshot) throws {
        for link in try lab.host.links() where link.kind == "bridge" {
            try lab.host.ip("link", "del", link.ifname ?? "")
        }
        let changes = before.changes(to: try lab.snapshot(files: false)).split(separator: "\n").filter { line in
            // Forwarding stays on where a gateway was asked for; the kernel turns accept_redirects with it.
            !line.contains("forward") && !line.contains("conf/all/accept_redirects")
                && !line.contains("ipv6/conf/default") && !line.contains("ipv6/conf/all")
        }
        #expect(changes.isEmpty, "\(changes.prefix(20).joined(separator: "\n"))")
        let leases = try FileManager.default.subpathsOfDirectory(atPath: lab.folder).filter { path in
            let name = path.split(separator: "/").last ?? ""
            return name.first?.isNumber == true || name.hasPrefix("fd77")
        }
        #expect(leases.isEmpty, "leases are left: \(leases)")
    }

    /// What is wrong with an answer; nil where it is a success, or one error.
    private static func complaint(about outcome: Subprocess.Outcome) -> String? {
        guard case .exited(let status) = outcome.ending else {
            return "\(outcome.ending): \(outcome.errorText.prefix(300))"
        }
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any]
        let isError = object?["code"] as? Int ?? 0 != 0 && object?["msg"] is String
        if status == 0 {
            if isError { return "an error and exit status 0: \(outcome.outputText)" }
            return outcome.output.isEmpty || object != nil ? nil : "printed no result: \(outcome.outputText)"
        }
        return isError ? nil : "exit status \(status) and no error: \(outcome.outputText.prefix(300))"
    }

    /// What went wrong, gathered from two threads.
    private final class Complaints: @unchecked Sendable {
        private let lock = NSLock()
        private var texts: [String] = []
        private var validCount = 0

        var all: [String] { lock.withLock { texts } }
        var valid: Int { lock.withLock { validCount } }
        func add(_ text: String) { lock.withLock { texts.append(text) } }
        func countValid() { lock.withLock { validCount += 1 } }
    }
}
