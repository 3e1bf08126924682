internal import Foundation

/// A folder of its own for the scripts and files of one test, removed with the object.
public final class ScriptFolder: Sendable {
    public let path: String

    public init() throws {
        path = NSTemporaryDirectory() + "/cnit-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a shell script, or what `contents` says instead.
    ///
    /// Another process writes it: were it open for writing here while some thread forks, running it would fail with
    /// "text file busy".
    public func write(_ name: String, _ script: String, contents: String? = nil, mode: Int = 0o755) throws {
        let outcome = try Subprocess.run(
            "/bin/sh", ["-c", "cat >\"$1\" && chmod \(String(mode, radix: 8)) \"$1\"", "sh", path + "/" + name],
            input: Array((contents ?? "#!/bin/sh\n\(script)\n").utf8))
        if !outcome.isSuccess { throw Subprocess.Failure(description: "cannot write \(name): \(outcome)") }
    }

    public func read(_ name: String) throws -> String {
        try String(contentsOfFile: path + "/" + name, encoding: .utf8)
    }
}
