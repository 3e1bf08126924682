internal import ArgumentParser
internal import LinuxSystem

/// A line that tells how far long work is, where somebody reads standard error on a terminal; and the names of what is done,
/// one a line, on standard output.
struct Progress {
    private let all: Int
    private var done = 0
    private var hasFailed = false
    private let isShown: Bool
    /// Fewer are done before anybody has read the line.
    private static let least = 5

    init(of all: Int) {
        self.all = all
        isShown = all >= Progress.least && StandardStreams.errorIsTerminal
    }

    /// Begins the next one.
    mutating func begin(_ what: String) {
        if isShown { StandardStreams.writeError("\r\u{1B}[K\(done)/\(all) \(what)") }
        done += 1
    }

    /// Prints the name of what is done.
    func finish(_ name: String) throws {
        clear()
        try StandardStreams.writeOutput(Array("\(name)\n".utf8))
    }

    /// Says at once what went wrong with one of them; the others go on.
    mutating func fail(_ sentence: String) {
        clear()
        hasFailed = true
        StandardStreams.writeError("Error: \(sentence)\n")
    }

    /// Throws where something has gone wrong, which has been said already.
    func end() throws {
        clear()
        if hasFailed { throw ExitCode.failure }
    }

    /// Takes the line away.
    func clear() {
        if isShown { StandardStreams.writeError("\r\u{1B}[K") }
    }
}
