internal import Glibc
public import SystemPackage

/// The three streams that every process has.
public enum StandardStreams {
    /// Reads standard input to its end; more than `limit` bytes are `EFBIG`.
    public static func readInput(limit: Int) throws(Errno) -> [UInt8] {
        try readAll(from: STDIN_FILENO, limit: limit)
    }

    /// Writes everything to standard output.
    public static func writeOutput(_ bytes: [UInt8]) throws(Errno) {
        try writeAll(bytes, to: STDOUT_FILENO)
    }

    /// Writes a text to standard error; nobody could be told if that failed.
    public static func writeError(_ text: String) {
        try? writeAll(Array(text.utf8), to: STDERR_FILENO)
    }
}
