import CNI
import JSON
import NetworkAddress
import TestSupport
import Testing

/// The loopback plugin on a real kernel.
@Suite(.needsLab)
struct LoopbackTests {
    private static let configuration = #"{"cniVersion": "1.0.0", "name": "cni-loopback", "type": "loopback"}"#

    @Test func upCheckedAndDownAgain() throws {
        let lab = try Lab()
        #expect(try lab.container.link("lo")?.isUp == false)
        let result = try lab.call("loopback", "ADD", Self.configuration, interface: "lo").result()
        #expect(result.interfaces.map(\.name) == ["lo"])
        #expect(result.interfaces.map(\.sandbox) == [lab.container.path])
        #expect(result.ips.map(\.address.description) == ["127.0.0.1/8", "::1/128"])
        #expect(try lab.container.link("lo")?.isUp == true)
        #expect(try lab.container.ping("127.0.0.1").isAnswered)
        #expect(try lab.call("loopback", "CHECK", Self.configuration).isSuccess)

        #expect(try lab.call("loopback", "DEL", Self.configuration).isSuccess)
        #expect(try lab.container.link("lo")?.isUp == false)
        let broken = try lab.call("loopback", "CHECK", Self.configuration)
        #expect(broken.error?.message == "lo in the sandbox is down")
    }

    @Test func theInterfaceNameDoesNotMatter() throws {
        let lab = try Lab()
        let result = try lab.call("loopback", "ADD", Self.configuration, interface: "eth7").result()
        #expect(result.interfaces.map(\.name) == ["lo"])
    }

    @Test func prevResultPassesThroughUnchanged() throws {
        let lab = try Lab()
        let prevResult =
            #"{"cniVersion":"1.0.0","interfaces":[{"name":"x0","vendor":1}],"ips":[],"dns":{},"extra":[1,2]}"#
        let configuration = Self.configuration.dropLast() + #", "prevResult": \#(prevResult)}"#
        let answer = try lab.call("loopback", "ADD", String(configuration))
        #expect(
            answer.json
                == (try .init(
                    parsing: Array(
                        #"{"cniVersion":"1.0.0","interfaces":[{"name":"x0","vendor":1}],"dns":{},"extra":[1,2]}"#.utf8)))
        )
        #expect(try lab.container.link("lo")?.isUp == true)
    }

    @Test func delWithoutASandboxSucceeds() throws {
        let lab = try Lab()
        for sandbox in ["", "/run/netns/never-was", lab.path("")] {
            let answer = try lab.call(
                "loopback", "DEL", Self.configuration, sandbox: "x", variables: ["CNI_NETNS": sandbox])
            #expect(answer.isSuccess, "\(sandbox): \(answer)")
        }
    }

    @Test func theHostsOwnLoopbackIsNeverTouched() throws {
        let lab = try Lab()
        for command in ["ADD", "DEL", "CHECK"] {
            let answer = try lab.call("loopback", command, Self.configuration, sandbox: lab.host.path)
            #expect(answer.error?.code == .sandboxIsOwnNamespace, "\(command): \(answer)")
        }
        #expect(try lab.host.link("lo")?.isUp == true)
        let allowed = try lab.call(
            "loopback", "ADD", Self.configuration, sandbox: lab.host.path, variables: ["CNI_NETNS_OVERRIDE": "1"])
        #expect(allowed.isSuccess)
    }
}
