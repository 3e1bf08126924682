internal import ArgumentParser
internal import JSON
internal import LinuxSystem

/// How a command prints what it found.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table
    case json
}

/// How a command prints the names of what it made or removed.
enum NameFormat: String, CaseIterable, ExpressibleByArgument {
    /// One a line, as each is done.
    case plain
    case json
}

/// Text in columns, with a line of headings.
struct Table {
    let headings: [String]
    var rows: [[String]] = []

    /// The lines. Headings are bold where somebody reads them on a terminal.
    func text(isColoured: Bool = StandardStreams.outputIsTerminal) -> String {
        let widths = headings.indices.map { column in
            ([headings] + rows).map { $0[column].count }.max() ?? 0
        }
        let lines = ([headings] + rows).enumerated().map { index, cells in
            let padded = cells.enumerated().map { column, cell in
                column == cells.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            let line = padded.joined()
            return index == 0 && isColoured ? "\u{1B}[1m\(line)\u{1B}[0m" : line
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension StandardStreams {
    /// Prints a document.
    static func write(_ value: JSONValue) throws {
        try writeOutput(value.text() + [UInt8(ascii: "\n")])
    }
}
