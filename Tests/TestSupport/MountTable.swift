internal import Foundation

/// What is mounted, as a process sees it.
public enum MountTable {
    /// The lines of /proc/PROCESS/mountinfo.
    ///
    /// - Parameter process: a number, or `self`.
    public static func lines(of process: String = "self") throws -> [String] {
        // Foundation's functions for whole files take the first four kilobytes of such a file for all of it.
        let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/mountinfo"))
        let content = try file.readToEnd() ?? Data()
        return String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
