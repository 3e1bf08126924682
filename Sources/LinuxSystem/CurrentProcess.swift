internal import CLinux
internal import Glibc
public import SystemPackage

/// This process itself.
public enum CurrentProcess {
    /// getpid(2)
    public static var identifier: Int32 { getpid() }

    /// Has the kernel keep how children end until they are waited for. Whoever started this process may have said that nobody
    /// wants to know (SIG_IGN for SIGCHLD), which programs inherit.
    public static func expectChildren() { signal(SIGCHLD, SIG_DFL) }

    /// Becomes another program (execve(2)) with the environment of this one; returns only where that fails.
    ///
    /// - Parameter arguments: where they are the last ones of this process, the program gets them byte by byte: `String` has
    ///   replaced what is not UTF-8.
    public static func become(_ path: String, _ arguments: [String]) -> Errno {
        let start = Int(CommandLine.argc) - arguments.count
        withCStrings(arguments) { pointers in
            var words = arguments.indices.map { pointers[$0] }
            for (position, argument) in arguments.enumerated() where start >= 0 {
                guard let own = CommandLine.unsafeArgv[start + position], String(cString: own) == argument else {
                    continue
                }
                words[position] = own
            }
            _ = execve(path, words + [nil], CLinux_environment())
        }
        return Errno(rawValue: errno)
    }
}
