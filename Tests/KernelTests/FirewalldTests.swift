import TestSupport
import Testing

/// The harness of tests with firewalld.
@Suite(.needsLab, .enabled(if: Firewalld.isAvailable, "needs firewalld and dbus-daemon (scripts/setup)"))
struct FirewalldTests {
    @Test func `firewalld runs in the host's namespace of a lab, and ends with it`() throws {
        let lab = try Lab()
        let firewalld = try Firewalld(lab)
        #expect(try firewalld.sources(ofZone: "trusted") == [])
        #expect(try lab.host.shell("nft list tables").contains("table inet firewalld"))
    }
}
