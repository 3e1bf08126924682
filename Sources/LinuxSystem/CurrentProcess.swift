internal import Glibc
public import SystemPackage

/// This process itself.
public enum CurrentProcess {
    /// getpid(2)
    public static var identifier: Int32 { getpid() }

    /// Has the kernel keep how children end until they are waited for. Whoever started this process may have said that nobody
    /// wants to know (SIG_IGN for SIGCHLD), which programs inherit.
    static func expectChildren() { signal(SIGCHLD, SIG_DFL) }

    /// Becomes another program (execve(2)); returns only where that fails.
    public static func become(_ path: String, _ arguments: [String], _ environment: ProcessEnvironment) -> Errno {
        withCStrings(arguments) { arguments in
            withCStrings(environment.entries) { _ = execve(path, arguments, $0) }
        }
        return Errno(rawValue: errno)
    }
}
