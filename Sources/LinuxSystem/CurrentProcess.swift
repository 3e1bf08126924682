internal import Glibc
public import SystemPackage

/// This process itself.
public enum CurrentProcess {
    /// getpid(2)
    public static var identifier: Int32 { getpid() }

    /// Becomes another program (execve(2)); returns only where that fails.
    public static func become(_ path: String, _ arguments: [String], _ environment: ProcessEnvironment) -> Errno {
        withCStrings(arguments) { arguments in
            withCStrings(environment.entries) { _ = execve(path, arguments, $0) }
        }
        return Errno(rawValue: errno)
    }
}
