internal import CLinux
internal import Glibc
public import SystemPackage

/// An open directory, and the files right in it by name.
///
/// Names are single components: a separator in one, `.` and `..` are `EINVAL`, symbolic links are not followed.
public struct Directory: ~Copyable {
    let descriptor: OwnedDescriptor

    /// Opens a directory that exists.
    public init(_ path: String) throws(Errno) {
        descriptor = try OwnedDescriptor(opening: path, O_RDONLY | O_DIRECTORY)
    }

    /// Opens a directory, after making it and those above it where they are missing (`mkdir -p -m`): `mode` is for the
    /// last one.
    public init(creating path: String, mode: UInt32 = 0o755) throws(Errno) {
        do {
            try self.init(path)
        } catch Errno.noSuchFileOrDirectory {
            try Directory.create(path, mode: mode)
            try self.init(path)
        }
    }

    private static func create(_ path: String, mode: UInt32) throws(Errno) {
        let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var made = mkdir(path, mode)
        if made != 0 && errno == ENOENT && path.contains("/") && parent != "/" {
            try create(parent, mode: 0o755)
            made = mkdir(path, mode)
        }
        if made != 0 && errno == EEXIST { return }
        if made != 0 { throw Errno(rawValue: errno) }
        // What is written into the new directory survives a loss of power only if the directory does.
        try Directory(parent).synchronize()
    }

    /// Opens a directory in this one, after making it where it is missing and `creating` says so.
    public func subdirectory(_ name: String, creating: Bool = false, mode: UInt32 = 0o755) throws(Errno) -> Directory {
        let name = try checked(name)
        if creating && mkdirat(descriptor.number, name, mode) != 0 && errno != EEXIST { throw Errno(rawValue: errno) }
        return Directory(
            adopting: try OwnedDescriptor(opening: name, in: descriptor.number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
    }

    /// Opens the file `name` for reading and writing in place, after making it where it is missing.
    public func wordFile(_ name: String) throws(Errno) -> WordFile {
        WordFile(
            adopting: try OwnedDescriptor(
                opening: try checked(name), in: descriptor.number, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o644))
    }

    private init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    func checked(_ name: String) throws(Errno) -> String {
        guard !name.isEmpty, name != ".", name != "..",
            !name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
        else {
            throw .invalidArgument
        }
        return name
    }
}

extension Directory {
    /// The names of all entries but `.` and `..`, in no order.
    public func names() throws(Errno) -> [String] {
        let number = try succeeding { openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(number) else {
            let failure = Errno(rawValue: errno)
            close(number)
            throw failure
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        if errno != 0 { throw Errno(rawValue: errno) }
        return names
    }

    /// Whether there is an entry of that name.
    public func contains(_ name: String) throws(Errno) -> Bool {
        var file = stat()
        if fstatat(descriptor.number, try checked(name), &file, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        let failure = Errno(rawValue: errno)
        if failure == .noSuchFileOrDirectory { return false }
        throw failure
    }

    /// The contents of a regular file; more than `limit` bytes are `EFBIG`, anything but a regular file `EINVAL`.
    public func contents(of name: String, limit: Int = 1 << 20) throws(Errno) -> [UInt8] {
        let file = try OwnedDescriptor(
            opening: try checked(name), in: descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        try succeeding { fstat(file.number, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .invalidArgument }
        return try file.readAll(limit: limit)
    }

    /// How much of a change is safe from a loss of power when the call returns.
    public enum Synchronization: Sendable {
        /// All of it.
        case all
        /// Nothing yet: that is for ``Directory/synchronize(_:)``, which serves any number of changes. Until then a loss of
        /// power may leave a file that is empty.
        case later
    }

    /// Makes a file whole or not at all; a file of that name is `EEXIST`.
    public func create(
        _ name: String, contents: [UInt8], mode: UInt32 = 0o644, synchronizing: Synchronization = .all
    ) throws(Errno) {
        try write(contents, mode: mode, for: name, synchronizing) { (number, temporary) in
            CLinux_renameWithoutReplacing(number, temporary, number, name)
        }
    }

    /// Makes or replaces a file whole or not at all.
    public func replace(
        _ name: String, contents: [UInt8], mode: UInt32 = 0o644, synchronizing: Synchronization = .all
    ) throws(Errno) {
        try write(contents, mode: mode, for: name, synchronizing) { (number, temporary) in
            renameat(number, temporary, number, name)
        }
    }

    /// Whether ``create(_:contents:mode:synchronizing:)`` and ``replace(_:contents:mode:synchronizing:)`` use this
    /// name while they work. Only a process that was killed leaves such a file.
    public static func isTemporary(_ name: String) -> Bool {
        name.utf8.count > 5 && name.hasPrefix(".") && name.hasSuffix(".new")
    }

    /// The name of the file that was to get the name of this temporary one; nil for a name that is none of these.
    public static func target(ofTemporary name: String) -> String? {
        isTemporary(name) ? String(name.dropFirst().dropLast(4)) : nil
    }

    /// Removes what a process left behind that was killed while it made or replaced a file; false when there is none.
    @discardableResult
    public func removeTemporary(of name: String) throws(Errno) -> Bool {
        try remove(Directory.temporaryName(try checked(name)))
    }

    private static func temporaryName(_ name: String) -> String { ".\(name).new" }

    /// Removes a file; false when there was none.
    @discardableResult
    public func remove(_ name: String) throws(Errno) -> Bool {
        if unlinkat(descriptor.number, try checked(name), 0) == 0 { return true }
        let failure = Errno(rawValue: errno)
        if failure == .noSuchFileOrDirectory { return false }
        throw failure
    }

    /// Removes an empty directory in this one; false when there was none (rmdir(2)).
    @discardableResult
    public func removeDirectory(_ name: String) throws(Errno) -> Bool {
        if unlinkat(descriptor.number, try checked(name), AT_REMOVEDIR) == 0 { return true }
        let failure = Errno(rawValue: errno)
        if failure == .noSuchFileOrDirectory { return false }
        throw failure
    }

    /// Waits until earlier changes to this directory's entries, and the contents of these files in it, are safe from a loss
    /// of power (fsync(2)). A file that is gone needs nothing.
    ///
    /// A journaling file system writes them all in one go: with the first file go the others and the directory.
    public func synchronize(_ names: [String] = []) throws(Errno) {
        for name in names {
            do throws(Errno) {
                let file = try OwnedDescriptor(
                    opening: try checked(name), in: descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
                try succeeding { fsync(file.number) }
            } catch .noSuchFileOrDirectory {
                continue
            } catch {
                throw error
            }
        }
        try succeeding { fsync(descriptor.number) }
    }

    /// Writes a temporary file, synchronizes it if asked to, and gives it its name by `rename`. A temporary file that a killed
    /// process left behind is overwritten; callers serialize writers of one name, with ``lock(_:)`` or otherwise.
    private func write(
        _ contents: [UInt8], mode: UInt32, for name: String, _ synchronization: Synchronization,
        rename: (CInt, String) -> CInt
    ) throws(Errno) {
        let temporary = Directory.temporaryName(try checked(name))
        do {
            let file = try OwnedDescriptor(
                opening: temporary, in: descriptor.number,
                // O_NONBLOCK keeps a hostile fifo from holding the process up.
                O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, mode: mode)
            try file.writeAll(contents)
            switch synchronization {
            case .all: try succeeding { fsync(file.number) }
            // On its way to the disk it has its place there, which is what a journal has to know. Where that does not work,
            // it goes later.
            case .later: CLinux_startWriting(file.number)
            }
            try succeeding { rename(descriptor.number, temporary) }
        } catch {
            unlinkat(descriptor.number, temporary, 0)
            throw error
        }
        if synchronization == .all { try synchronize() }
    }

    /// Gives a file new contents in its place, so that those see them who have it mounted or open: one write, then the rest
    /// is cut off. The file is made where it is missing, and has the mode whatever umask(2) says.
    public func overwrite(_ name: String, contents: [UInt8], mode: UInt32 = 0o644) throws(Errno) {
        let file = try OwnedDescriptor(
            opening: try checked(name), in: descriptor.number, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: mode)
        try succeeding { fchmod(file.number, mode) }
        try file.writeAll(contents)
        try succeeding { ftruncate(file.number, contents.count) }
    }
}

extension Directory {
    /// What tells this directory from every other one on the machine.
    public struct Identity: Equatable, Sendable {
        public let device: UInt64
        public let inode: UInt64
    }

    /// A point in time as a file system keeps it.
    public struct Time: Equatable, Sendable {
        /// Since 1970.
        public let seconds: Int64
        /// 0 to 999,999,999
        public let nanoseconds: Int64

        public init(seconds: Int64, nanoseconds: Int64) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }

        /// Since 1970.
        public var milliseconds: Int64 { seconds * 1000 + nanoseconds / 1_000_000 }

        /// The time of day (CLOCK_REALTIME).
        public static var now: Time {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Time(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
        }
    }

    /// Which directory this is, and when entries were last made, renamed or removed in it.
    public func status() throws(Errno) -> (identity: Identity, modified: Time) {
        var file = stat()
        try succeeding { fstat(descriptor.number, &file) }
        return (
            Identity(device: UInt64(file.st_dev), inode: UInt64(file.st_ino)),
            Time(seconds: Int64(file.st_mtim.tv_sec), nanoseconds: Int64(file.st_mtim.tv_nsec))
        )
    }

    /// Sets when entries last changed, and when they were last listed, which nobody looks at (futimens(3)). The next
    /// change of an entry sets it again.
    public func setModified(_ time: Time) throws(Errno) {
        let time = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
        try succeeding { futimens(descriptor.number, [time, time]) }
    }
}
