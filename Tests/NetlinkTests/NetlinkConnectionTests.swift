import Netlink
import Testing

@Suite("NetlinkConnection")
struct NetlinkConnectionTests {
    /// struct ifinfomsg, for the link of that number.
    private struct LinkHeader {
        var family: UInt8 = 0
        var padding: UInt8 = 0
        var type: UInt16 = 0
        var index: Int32
        var flags: UInt32 = 0
        var change: UInt32 = 0
    }

    private let requestForLink = 18  // RTM_GETLINK
    private let link = 16  // RTM_NEWLINK

    @Test("what is left of an earlier exchange is not taken for an answer")
    func leftovers() throws {
        let connection = try NetlinkConnection(.route)
        func isThere(_ index: Int32, flags: Int32 = 0) throws -> Bool? {
            let message = NetlinkMessage(requestForLink, flags: flags, LinkHeader(index: index))
            return try connection.get("look up a link", message) { $0.type == link ? true : nil }
        }
        // Asked for, and not waited for: the exchange is over with the reply.
        let acknowledged: Int32 = 4  // NLM_F_ACK
        for _ in 0..<3 { #expect(try isThere(1, flags: acknowledged) == true) }
        #expect(try isThere(1) == true)
        #expect(throws: NetlinkError.self) { try isThere(.max) }
        #expect(try isThere(1) == true)
    }
}
