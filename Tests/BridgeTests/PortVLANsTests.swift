import JSON
import Netlink
import Testing

@testable import bridge

@Suite("PortVLANs")
struct PortVLANsTests {
    private func vlans(_ text: String) throws -> PortVLANs {
        try PortVLANs(JSONField(JSONValue(parsing: Array(text.utf8))))
    }

    @Test("an access port gets its VLAN untagged, as the one for frames without tag")
    func access() throws {
        #expect(try vlans(#"{"vlan":100}"#).additions == [BridgeVLAN(100...100, isPortDefault: true, isUntagged: true)])
    }

    @Test(
        "a trunk is sorted, and what overlaps or touches is one range",
        arguments: [
            (#"[{"id":9},{"id":3}]"#, [3...3, 9...9]),
            (#"[{"minID":10,"maxID":20},{"minID":15,"maxID":30}]"#, [10...30]),
            (#"[{"id":11},{"minID":5,"maxID":10}]"#, [5...11]),
            (#"[{"minID":5,"maxID":50},{"minID":7,"maxID":9}]"#, [5...50]),
            (#"[{"id":1,"minID":4093,"maxID":4094}]"#, [1...1, 4093...4094]),
            (#"[{"id":4},{"id":4}]"#, [4...4]),
        ] as [(String, [ClosedRange<UInt16>])])
    func trunk(text: String, ranges: [ClosedRange<UInt16>]) throws {
        let vlans = try vlans(#"{"vlanTrunk":\#(text)}"#)
        #expect(vlans.trunk == ranges)
        #expect(vlans.additions == ranges.map { BridgeVLAN($0) })
    }

    @Test("VLAN 1 is left when preserveDefaultVlan is false, and only where VLANs are asked for")
    func removals() throws {
        #expect(try vlans(#"{"vlan":5}"#).removals.isEmpty)
        #expect(try vlans(#"{"vlan":5,"preserveDefaultVlan":true}"#).removals.isEmpty)
        #expect(try vlans(#"{"vlan":5,"preserveDefaultVlan":false}"#).removals == [.kernelDefault])
        #expect(try vlans(#"{"preserveDefaultVlan":false}"#).removals.isEmpty)
    }

    @Test(
        "CHECK sees what is missing and what should have gone",
        arguments: [
            (
                #"{"vlan":5}"#,
                [BridgeVLAN(1...1, isUntagged: true), BridgeVLAN(5...5, isPortDefault: true, isUntagged: true)], true
            ),
            (#"{"vlan":5}"#, [.kernelDefault], false),
            (#"{"vlan":5}"#, [BridgeVLAN(5...5, isPortDefault: true)], false),
            (#"{"vlan":5}"#, [.kernelDefault, BridgeVLAN(5...5, isUntagged: true)], false),
            (
                #"{"vlan":5,"preserveDefaultVlan":false}"#, [BridgeVLAN(5...5, isPortDefault: true, isUntagged: true)],
                true
            ),
            (
                #"{"vlan":5,"preserveDefaultVlan":false}"#,
                [BridgeVLAN(1...1, isUntagged: true), BridgeVLAN(5...5, isPortDefault: true, isUntagged: true)], false
            ),
            (#"{"vlan":1,"preserveDefaultVlan":false}"#, [.kernelDefault], true),
            (#"{"vlanTrunk":[{"minID":5,"maxID":7}]}"#, [.kernelDefault, BridgeVLAN(5...6), BridgeVLAN(7...7)], true),
            (#"{"vlanTrunk":[{"minID":5,"maxID":7}]}"#, [.kernelDefault, BridgeVLAN(5...6)], false),
        ])
    func served(text: String, found: [BridgeVLAN], isServed: Bool) throws {
        #expect(try vlans(text).isServed(by: found) == isServed)
    }
}
