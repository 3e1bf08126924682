import LinuxSystem
import Netlink
import SystemPackage
import Testing

@Suite("NetlinkError")
struct NetlinkErrorTests {
    @Test("the text names the operation, the kernel's error, and what the kernel adds")
    func text() {
        #expect(
            NetlinkError(operation: "add link cni0", errno: .notPermitted).description
                == "cannot add link cni0: \(Errno.notPermitted)")
        #expect(
            NetlinkError(operation: "add link cni0", errno: .invalidArgument, message: "no such kind").description
                == "cannot add link cni0: \(Errno.invalidArgument) (no such kind)")
    }

    @Test("EEXIST alone means that the thing is there", arguments: [Errno.fileExists, .noSuchDevice, .resourceBusy])
    func there(errno: Errno) {
        #expect(NetlinkError(operation: "add", errno: errno).isAlreadyThere == (errno == .fileExists))
    }

    @Test("the number of ENODEV is the kernel's")
    func number() {
        #expect(Errno.noSuchDevice.rawValue == 19)
    }
}
