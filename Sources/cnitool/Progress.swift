internal import ArgumentParser
internal import JSON
internal import LinuxSystem

/// A line that tells how far long work is, where somebody reads standard error on a terminal; and what is done, on standard
/// output: its names, one a line, or at the end one array.
struct Progress {
    private let all: Int
    private var done = 0
    private var hasFailed = false
    private let isShown: Bool
    private let format: NameFormat
    private var documents: [JSONValue] = []
    /// Fewer are done before anybody has read the line.
    private static let least = 5

    init(of all: Int, as format: NameFormat = .plain) {
        self.format = format
        self.all = all
        isShown = all >= Progress.least && StandardStreams.errorIsTerminal
    }

    /// Begins the next one.
    mutating func begin(_ what: String) {
        if isShown { StandardStreams.writeError("\r\u{1B}[K\(done)/\(all) \(what)") }
        done += 1
    }

    /// Prints the name of what is done.
    ///
    /// - Parameter document: what stands for it in the array; nil for its name.
    mutating func finish(_ name: String, _ document: JSONValue? = nil) throws {
        clear()
        switch format {
        case .plain: try StandardStreams.writeOutput(Array("\(name)\n".utf8))
        case .json: documents.append(document ?? .string(name))
        }
    }

    /// Says at once what went wrong with one of them; the others go on.
    mutating func fail(_ sentence: String) {
        clear()
        hasFailed = true
        StandardStreams.writeError("Error: \(sentence)\n")
    }

    /// Prints the array, and throws where something has gone wrong, which has been said already.
    func end() throws {
        clear()
        if format == .json { try StandardStreams.write(.array(documents)) }
        if hasFailed { throw ExitCode.failure }
    }

    /// Takes the line away.
    func clear() {
        if isShown { StandardStreams.writeError("\r\u{1B}[K") }
    }
}
