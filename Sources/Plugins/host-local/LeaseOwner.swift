internal import CNI

/// Whose a lease is, as its file says: a container's interface, or, in files of old, the container alone.
struct LeaseOwner: Hashable, Sendable {
    let containerID: String
    /// Nil in files that name the container alone.
    let interfaceName: String?

    init(_ attachment: Attachment) {
        containerID = attachment.containerID
        interfaceName = attachment.interfaceName
    }

    init(containerID: String, interfaceName: String? = nil) {
        self.containerID = containerID
        self.interfaceName = interfaceName
    }

    /// The same container in files of old.
    var withoutInterface: LeaseOwner { LeaseOwner(containerID: containerID) }

    /// What the file of a lease holds.
    var contents: [UInt8] {
        Array((interfaceName.map { "\(containerID)\r\n\($0)" } ?? containerID).utf8)
    }
}

extension LeaseOwner {
    /// What identifies an owner in a file: its bytes without white space around them. Nil where the file belongs to
    /// nobody: it is empty, or a crash left zeros in place of text.
    static func text(of contents: [UInt8]) -> ArraySlice<UInt8>? {
        guard !contents.contains(0), let start = contents.firstIndex(where: isText),
            let end = contents.lastIndex(where: isText)
        else { return nil }
        return contents[start...end]
    }

    /// Reads the file of a lease; nil for anything that no plugin wrote, such as a person's note.
    init?(contents: [UInt8]) {
        guard let text = LeaseOwner.text(of: contents) else { return nil }
        let lines = text.split(separator: UInt8(ascii: "\n")).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        guard (1...2).contains(lines.count), Names.isIdentifier(lines[0]),
            lines.count == 1 || Names.isInterfaceName(lines[1])
        else { return nil }
        self.init(containerID: lines[0], interfaceName: lines.count == 2 ? lines[1] : nil)
    }

    private static func isText(_ byte: UInt8) -> Bool { byte > 0x20 }
}
