import NetworkAddress
import Testing

@Suite struct MACAddressTests {
    @Test(arguments: ["02:00:5e:10:00:01", "02-00-5E-10-00-01", "02:00:5E:10:00:01"])
    func `reads pairs with colons or dashes`(text: String) {
        #expect(MACAddress(text)?.description == "02:00:5e:10:00:01")
    }

    @Test(arguments: [
        "", "02:00:5e:10:00", "02:00:5e:10:00:01:02", "02:00:5e:10:00:0g", "2:0:5e:10:0:1", "02:00-5e:10:00:01",
        "0200.5e10.0001",
        "02005e100001", "02:00:5e:10:00:01 ", "02 00 5e 10 00 01", "０2:00:5e:10:00:1", "02:00:5e:10:00:+1",
    ])
    func `refuses everything else`(text: String) {
        #expect(MACAddress(text) == nil)
    }

    @Test(arguments: [
        ("02:00:00:00:00:01", true), ("00:00:00:00:00:01", true), ("01:00:00:00:00:00", false),
        ("ff:ff:ff:ff:ff:ff", false), ("00:00:00:00:00:00", false),
    ])
    func `knows what a link may have`(text: String, isUsable: Bool) {
        #expect(MACAddress(text)?.isUsable == isUsable)
    }

    @Test func `has six bytes`() {
        #expect(MACAddress(bytes: [2, 0, 0, 0, 0]) == nil)
        #expect(MACAddress(bytes: [2, 0, 0, 0, 0, 1, 0]) == nil)
        #expect(MACAddress(bytes: [2, 0, 0, 0, 0, 1])?.bytes == [2, 0, 0, 0, 0, 1])
    }
}
