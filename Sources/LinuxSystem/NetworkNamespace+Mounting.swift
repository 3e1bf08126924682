internal import CLinux
internal import Glibc
public import SystemPackage

extension NetworkNamespace {
    /// `ip netns add`: makes an empty namespace and mounts it at `path`, where it lives until it is unmounted. The folder
    /// is made where it is missing, and shared with other mount namespaces, so that these let go of the namespace too.
    ///
    /// - Throws: `EEXIST` where there is something at `path`. Nothing is left behind.
    public static func make(at path: String) throws {
        try share(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        _ = try OwnedDescriptor(opening: path, O_RDONLY | O_CREAT | O_EXCL)
        do {
            let home = try own()
            try succeeding { CLinux_newNetworkNamespace() }
            _ = try home.returning { () throws(Errno) in
                try succeeding { mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil) }
            }
        } catch {
            unlink(path)
            throw error
        }
    }

    /// `ip netns delete`: unmounts what is at `path` and removes the file; no error where there is none.
    public static func remove(at path: String) throws(Errno) {
        // A path where nothing is mounted any more is an ordinary file.
        if umount2(path, CInt(MNT_DETACH)) != 0 && errno != EINVAL && errno != ENOENT { throw Errno(rawValue: errno) }
        if unlink(path) != 0 && errno != ENOENT { throw Errno(rawValue: errno) }
    }

    /// Makes a folder a shared mount, under the lock that iproute2 takes for that as well.
    private static func share(_ folder: String) throws(Errno) {
        _ = try Directory(creating: folder)
        let lock = try OwnedDescriptor(opening: folder, O_RDONLY | O_DIRECTORY)
        try succeeding { flock(lock.number, LOCK_EX) }
        if mount("", folder, "none", UInt(MS_SHARED | MS_REC), nil) == 0 { return }
        guard errno == EINVAL else { throw Errno(rawValue: errno) }
        try succeeding { mount(folder, folder, "none", UInt(MS_BIND | MS_REC), nil) }
        try succeeding { mount("", folder, "none", UInt(MS_SHARED | MS_REC), nil) }
    }
}
