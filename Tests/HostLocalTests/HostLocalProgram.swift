internal import Foundation
internal import JSON

/// The built executable, or the reference implementation, run as a runtime runs it.
struct HostLocalProgram {
    let path: String

    /// The one that was built with these tests, beside their bundle.
    static let ours: HostLocalProgram? = {
        for argument in CommandLine.arguments + Bundle.allBundles.map(\.bundlePath) {
            var folder = URL(filePath: argument)
            for _ in 0..<6 {
                let path = folder.appending(path: "host-local").path()
                if FileManager.default.isExecutableFile(atPath: path), !path.hasSuffix("Plugins/host-local") {
                    return HostLocalProgram(path: path)
                }
                folder.deleteLastPathComponent()
            }
        }
        return nil
    }()

    /// The one of the Debian package containernetworking-plugins.
    static let reference: HostLocalProgram? = {
        let path = "/usr/lib/cni/host-local"
        return FileManager.default.isExecutableFile(atPath: path) ? HostLocalProgram(path: path) : nil
    }()

    struct Outcome {
        let status: Int32
        let output: JSONField

        /// The addresses of a result, without their prefix lengths.
        func addresses() throws -> [String] {
            try output["ips"].elements().map { String((try $0["address"].string() ?? "").prefix { $0 != "/" }) }
        }
    }

    /// Starts a command; what is returned waits for its end.
    func start(_ command: String, _ container: String, _ configuration: JSONValue, interface: String = "eth0") throws
        -> () throws -> Outcome
    {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.environment = [
            "CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_IFNAME": interface, "CNI_PATH": "/opt/cni/bin",
            "CNI_NETNS": "/proc/self/ns/net", "CNI_NETNS_OVERRIDE": "1",
        ]
        // Files, not pipes: a child that starts at the same time would hold the other end of a pipe open.
        let files = try TemporaryDirectory(inMemory: true)
        let (input, output) = (URL(filePath: files.path + "/input"), URL(filePath: files.path + "/output"))
        try Data(configuration.text()).write(to: input)
        try Data().write(to: output)
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        return {
            process.waitUntilExit()
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: files.path + "/output")))
            return Outcome(
                status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
                output: JSONField(bytes.isEmpty ? nil : try JSONValue(parsing: bytes)))
        }
    }

    func run(_ command: String, _ container: String, _ configuration: JSONValue, interface: String = "eth0") throws
        -> Outcome
    {
        try start(command, container, configuration, interface: interface)()
    }
}
