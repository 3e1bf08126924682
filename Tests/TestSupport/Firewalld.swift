internal import Foundation

/// firewalld, and a message bus for it, in the namespace of a lab's host: `testdata/firewalld/serve.py`. It ends with the
/// object, or with the test process.
public final class Firewalld: Sendable {
    /// For the environment of a plugin.
    public static let variable = "DBUS_SYSTEM_BUS_ADDRESS"
    /// The address of the bus.
    public let address: String
    private let mark: String
    private let host: LabNamespace

    /// Starts it; it answers when this returns.
    public init(_ lab: Lab) throws {
        let folder = lab.path("firewalld")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        host = lab.host
        mark = folder + "/bus.pid"
        address = "unix:path=\(folder)/bus"
        let script = Repository.root.appending(path: "testdata/firewalld/serve.py").path
        let arguments = ["-B", script, folder, "\(getpid())", Firewalld.unpacked].filter { !$0.isEmpty }
        try LabNamespace.require(try host.run("/usr/bin/python3", arguments, timeout: 60), script)
    }

    deinit { try? FileManager.default.removeItem(atPath: mark) }

    /// What firewalld knows of a zone: the sources that are in it, sorted.
    public func sources(ofZone zone: String) throws -> [String] {
        let code = """
            import dbus; o = dbus.SystemBus().get_object('org.fedoraproject.FirewallD1', '/org/fedoraproject/FirewallD1')
            print(' '.join(o.getSources('\(zone)', dbus_interface='org.fedoraproject.FirewallD1.zone')))
            """
        let outcome = try host.run("env", ["\(Firewalld.variable)=\(address)", "/usr/bin/python3", "-c", code])
        try LabNamespace.require(outcome, "getSources")
        return outcome.outputText.split(whereSeparator: \.isWhitespace).map(String.init).sorted()
    }

    /// Where `scripts/setup` has unpacked it; empty where it is installed.
    private static let unpacked =
        Subprocess.find("firewalld") == nil ? Repository.root.appending(path: ".build/firewalld").path : ""

    /// Whether there is one, and what it needs.
    public static let isAvailable: Bool = {
        guard Subprocess.find("dbus-daemon") != nil,
            FileManager.default.fileExists(atPath: unpacked + "/usr/sbin/firewalld"),
            let python = try? Subprocess.run("/usr/bin/python3", ["-c", "import dbus, gi, nftables"])
        else { return false }
        return python.isSuccess
    }()
}
