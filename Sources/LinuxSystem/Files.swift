internal import Glibc
public import SystemPackage

/// Files named by a path.
public enum Files {
    /// The contents of a regular file, symbolic links followed; more than `limit` bytes are `EFBIG`, anything but a
    /// regular file `EINVAL`.
    public static func contents(of path: String, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
        // O_NONBLOCK keeps a fifo from holding the process up.
        let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK)
        var status = stat()
        try succeeding { fstat(file.number, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .invalidArgument }
        return try file.readAll(limit: limit)
    }

    /// Whether there is anything at `path`, symbolic links followed.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The path of the working directory as the user came to it: `PWD` where that is true, so that symbolic links on
    /// the way are kept, and the kernel's own answer (getcwd(3)) otherwise.
    public static func workingDirectory() throws(Errno) -> String {
        if let path = ProcessEnvironment.current["PWD"], path.hasPrefix("/"), isSame(path, ".") { return path }
        guard let path = getcwd(nil, 0) else { throw Errno(rawValue: errno) }
        defer { free(path) }
        return String(cString: path)
    }

    /// The path without symbolic links (realpath(3)).
    public static func resolved(_ path: String) throws(Errno) -> String {
        guard let resolved = realpath(path, nil) else { throw Errno(rawValue: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Whether two paths lead to the same file.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }
}
