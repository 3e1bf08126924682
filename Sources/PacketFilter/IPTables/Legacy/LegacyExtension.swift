/// A match or a target of an entry (struct xt_entry_match, struct xt_entry_target): 32 bytes that name it, then data.
struct LegacyExtension: Equatable {
    static let headerSize = 32

    /// Empty for the target that holds a verdict.
    let name: String
    let revision: UInt8
    let data: [UInt8]

    init(_ name: String, revision: UInt8 = 0, _ data: [UInt8]) {
        self.name = name
        self.revision = revision
        self.data = data
    }

    /// From all its bytes, at least ``headerSize``.
    init(_ bytes: ArraySlice<UInt8>) {
        name = String(decoding: bytes.text(2, 29), as: UTF8.self)
        revision = bytes.load(31)
        data = Array(bytes.dropFirst(LegacyExtension.headerSize))
    }

    /// Padded to a multiple of eight bytes.
    var bytes: [UInt8] {
        let size = (LegacyExtension.headerSize + data.count + 7) / 8 * 8
        var bytes = [UInt8](repeating: 0, count: size)
        bytes.store(UInt16(size), at: 0)
        bytes.store(name.utf8, at: 2)
        bytes[31] = revision
        bytes.store(data, at: LegacyExtension.headerSize)
        return bytes
    }

    /// The extension where it has this name and revision and at least so many bytes.
    func isKind(_ name: String, _ revision: UInt8, size: Int) -> Bool {
        self.name == name && self.revision == revision && data.count >= size
    }

    /// A target that holds a verdict.
    static func verdict(_ verdict: Int32) -> LegacyExtension {
        var data = [UInt8](repeating: 0, count: 4)
        data.store(verdict, at: 0)
        return LegacyExtension("", data)
    }
}
