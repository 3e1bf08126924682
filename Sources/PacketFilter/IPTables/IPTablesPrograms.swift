internal import LinuxSystem
internal import SystemPackage

/// What `iptables` is on this host.
struct IPTablesPrograms {
    /// The kinds that there are.
    enum Kind: Sendable {
        /// Tables of the old kernel interface.
        case legacy
        /// Tables of nf_tables.
        case nft
    }

    /// Nil where there is no such program.
    let kind: Kind?

    /// Looks on PATH, and where programs of the system are if that is not set, as it may be for a runtime.
    init() {
        let path = ProcessEnvironment.current["PATH"] ?? ""
        let folders =
            path.isEmpty
            ? ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
            : path.split(separator: ":").map(String.init)
        guard let program = SystemProgramRunner().find("iptables", in: folders) else {
            kind = nil
            return
        }
        kind = IPTablesPrograms.kind(of: program)
    }

    /// Distributions have one program for each kind, and links that lead to one of them; anything else is asked for its version.
    private static func kind(of program: String) -> Kind {
        let target = (try? Files.resolved(program)) ?? program
        let name = target.split(separator: "/").last.map(String.init) ?? ""
        if name.hasSuffix("nft-multi") || name.hasSuffix("-nft") { return .nft }
        if name.hasSuffix("legacy-multi") || name.hasSuffix("-legacy") || name == "xtables-multi" { return .legacy }
        return version(program).contains("nf_tables") ? .nft : .legacy
    }

    private static func version(_ program: String) -> String {
        do throws(Errno) {
            let process = try ChildProcess(path: program, arguments: ["-V"], environment: .current, input: [])
            return String(decoding: try process.finish(outputLimit: 4096).output, as: UTF8.self)
        } catch {
            return ""
        }
    }
}
