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

    /// Whether somebody reads standard output on a terminal (isatty(3)).
    public static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether somebody types standard input on a terminal.
    public static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Whether somebody reads standard error on a terminal.
    public static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes a text to standard error; nobody could be told if that failed.
    public static func writeError(_ text: String) {
        try? writeAll(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Has those that are closed read from and write to nowhere. Else the next files that are opened would take their place,
    /// and what is meant for people would be written into them.
    public static func complete() {
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
            var status = stat()
            // The lowest number that is free is this one.
            if fstat(stream, &status) != 0 { _ = open("/dev/null", O_RDWR) }
        }
    }

    /// Has all three read from and write to nowhere (null(4)).
    static func close() {
        let nowhere = open("/dev/null", O_RDWR | O_CLOEXEC)
        if nowhere < 0 { return }
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(nowhere, stream) }
        if nowhere > STDERR_FILENO { _ = Glibc.close(nowhere) }
    }
}
