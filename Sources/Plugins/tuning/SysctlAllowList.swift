internal import CNI
internal import JSON
internal import LinuxSystem
internal import SystemPackage

/// The file in which the administrator of a host says which kernel parameters containers may be given.
struct SysctlAllowList {
    private let path: String
    /// Nil where there is no file: then everything below net is allowed.
    private var patterns: [SysctlPattern]?

    /// Reads the file.
    ///
    /// - Throws: ``CNIError`` with code 5 where it cannot be read, with code 6 for a line that is not understood.
    init(_ path: String) throws(CNIError) {
        self.path = path
        let bytes: [UInt8]
        do throws(Errno) { bytes = try Files.contents(of: path) } catch {
            if error == .noSuchFileOrDirectory { return }
            throw CNIError(.inputOutput, "cannot read the allow-list \(path)", details: error.description)
        }
        var patterns: [SysctlPattern] = []
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            guard let text = SysctlAllowList.text(line) else { continue }
            guard let pattern = SysctlPattern(text) else {
                throw CNIError(
                    .decoding,
                    "\(path), line \(number + 1): expected \(SysctlPattern.rule), found \(JSONValue.quoted(text))")
            }
            patterns.append(pattern)
        }
        self.patterns = patterns
    }

    /// What a line says; nil for a blank one and for a comment.
    private static func text(_ line: ArraySlice<UInt8>) -> String? {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let start = line.firstIndex(where: { !isBlank($0) }), let end = line.lastIndex(where: { !isBlank($0) }),
            line[start] != UInt8(ascii: "#")
        else { return nil }
        return String(decoding: line[start...end], as: UTF8.self)
    }

    /// Refuses a parameter that no line allows.
    func check(_ wanted: RequestedSysctl, interfaceName: String) throws(CNIError) {
        guard let patterns, !patterns.contains(where: { $0.allows(wanted.sysctl, interfaceName: interfaceName) })
        else { return }
        throw CNIError(
            .invalidConfiguration,
            "sysctl: expected parameters that \(path) allows, found \(JSONValue.quoted(wanted.key))")
    }
}
