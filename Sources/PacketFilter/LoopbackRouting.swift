internal import LinuxSystem
internal import SystemPackage

/// Whether packets with a source or destination in 127.0.0.0/8 may pass a link (net.ipv4.conf.LINK.route_localnet). They
/// have to, for the host to reach a published port by 127.0.0.1; who turns it on also keeps loopback addresses from
/// coming in from outside.
enum LoopbackRouting {
    static func isOn(_ link: String) throws(PacketFilterError) -> Bool {
        do throws(Errno) { return try sysctl(link).read() == "1" } catch {
            if error == .noSuchFileOrDirectory { return false }
            throw failure("read \(sysctl(link))", error)
        }
    }

    /// Turns it on or off. A link that is gone needs nothing to be turned off.
    static func set(_ link: String, _ isOn: Bool) throws(PacketFilterError) {
        do throws(Errno) { try sysctl(link).write(isOn ? "1" : "0") } catch {
            if !isOn && error == .noSuchFileOrDirectory { return }
            throw failure("set \(sysctl(link)) to \(isOn ? 1 : 0)", error)
        }
    }

    private static func sysctl(_ link: String) -> Sysctl { Sysctl("ipv4", "conf", link, "route_localnet") }

    private static func failure(_ operation: String, _ errno: Errno) -> PacketFilterError {
        PacketFilterError(backend: "sysctl", operation: "cannot \(operation)", cause: .kernel(errno))
    }
}
