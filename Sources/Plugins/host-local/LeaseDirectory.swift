internal import CNI
internal import LinuxSystem
internal import NetworkAddress
internal import SystemPackage

/// The directory that holds the leases of one network, in the format of the reference implementation, which may use it
/// at the same time: a file for each address with its owner inside, `last_reserved_ip.<set>`, and `lock`, on which every
/// command holds an exclusive flock.
///
/// Beside it is an index (``LeaseIndex``), so that no command has to read every lease. It heals itself: whoever makes,
/// removes or renames a file changes the time of the directory's last modification. After its own changes a command
/// sets that time to one that no clock will show again, and notes it in the index. When they differ, somebody else was
/// here, or a command was killed, and the index is made anew from the files. What it says is believed only after the
/// file of the lease agreed.
final class LeaseDirectory: LeaseStore {
    private let location: LeaseLocation
    private let directory: Directory
    private let lock: FileLock
    private let index: LeaseIndex
    /// The directory as this command found it; nil where that cannot be told, and no index be trusted.
    private let found: LeaseIndex.State?
    /// Whether the index was made from the files by this command.
    private var isIndexFresh = false
    private var isChanged = false
    /// The files that have been written and may not be on the disk yet.
    private var written: [String] = []

    /// Waits for the lock of a directory, and takes up its index.
    ///
    /// - Parameter indexFile: nil where the index can only live in memory.
    init(_ location: LeaseLocation, _ directory: consuming Directory, indexFile: consuming WordFile?) throws {
        do throws(Errno) { lock = try directory.lock("lock") } catch {
            throw LeaseDirectory.failure("lock the leases", location, error)
        }
        found = try? LeaseDirectory.state(of: directory)
        self.location = location
        self.directory = directory
        index = LeaseIndex(indexFile)
        if let found, index.load(found) { return }
        try remakeIndex()
    }

    func addresses(of owner: LeaseOwner) throws -> [IPAddress] {
        let addresses = try verifiedAddresses(of: owner)
        return addresses.isEmpty && owner.interfaceName != nil
            ? try verifiedAddresses(of: owner.withoutInterface) : addresses
    }

    /// The most that a lease's file holds, in bytes. Both words come from variables of the environment, which the kernel
    /// limits to 128 KiB each: every lease that can be written can be read.
    private static let leaseLimit = 1 << 18

    func firstFree(in addresses: ClosedRange<IPAddress>) throws -> IPAddress? {
        try usingIndex { try $0.firstFree(in: addresses) }
    }

    func lastReserved(set: Int) throws -> IPAddress? {
        // A hint: one that is damaged is none.
        guard let contents = try? directory.contents(of: "last_reserved_ip.\(set)", limit: 64) else { return nil }
        return IPAddress(String(decoding: LeaseOwner.text(of: contents) ?? [], as: UTF8.self))
    }

    func setLastReserved(_ address: IPAddress, set: Int) throws {
        isChanged = true
        let name = "last_reserved_ip.\(set)"
        try attempt("write \(name)") { () throws(Errno) in
            try directory.replace(name, contents: Array(address.description.utf8), synchronizing: .later)
        }
        written.append(name)
    }

    func reserve(_ address: IPAddress, for owner: LeaseOwner) throws -> Bool {
        let name = address.description
        isChanged = true
        do throws(Errno) {
            try directory.create(name, contents: owner.contents, synchronizing: .later)
        } catch .fileExists {
            // The lease of somebody, of whom the index may not know; or a file that a crash left empty.
            guard try ownerText(of: address) == nil else {
                if try !usingIndex({ try $0.contains(address) }) { try remakeIndex() }
                return false
            }
            try attempt("take over \(name)") { () throws(Errno) in
                try directory.replace(name, contents: owner.contents, synchronizing: .later)
            }
        } catch {
            throw failure("make \(name)", error)
        }
        written.append(name)
        try changeIndex { try $0.insert(LeaseIndex.Entry(owner: IndexHash.of(owner.contents), address: address)) }
        return true
    }

    func release(_ address: IPAddress) throws {
        let text = try ownerText(of: address)
        isChanged = true
        _ = try attempt("remove \(address)") { () throws(Errno) in try directory.remove(address.description) }
        guard let text else { return }
        try changeIndex { try $0.remove(LeaseIndex.Entry(owner: IndexHash.of(text), address: address)) }
    }

    func leases() throws -> [(address: IPAddress, owner: LeaseOwner)] {
        try attempt("list the leases") { () throws(Errno) in try directory.names() }.compactMap { name in
            guard let address = LeaseDirectory.address(name), let contents = try leaseContents(name),
                let owner = LeaseOwner(contents: contents)
            else { return nil }
            return (address, owner)
        }
    }

    func synchronize() throws {
        guard isChanged else { return }
        isChanged = false
        saveIndex()
        try attempt("synchronize the leases") { () throws(Errno) in try directory.synchronize(written) }
        written = []
    }
}

extension LeaseDirectory {
    /// The address that a file name stands for, if it is one that this plugin or the reference would write.
    private static func address(_ name: String) -> IPAddress? {
        guard let address = IPAddress(name), address.description == name else { return nil }
        return address
    }

    /// The addresses whose files name exactly this owner.
    private func verifiedAddresses(of owner: LeaseOwner) throws -> [IPAddress] {
        let hash = IndexHash.of(owner.contents)
        let addresses = try usingIndex { try $0.addresses(ofOwner: hash) }
        let verified = try addresses.filter { try ownerText(of: $0)?.elementsEqual(owner.contents) == true }
        if verified.count == addresses.count || isIndexFresh { return verified.sorted() }
        try remakeIndex()
        return try verifiedAddresses(of: owner)
    }

    /// What the file of an address says about its owner; nil where there is none, or where it belongs to nobody.
    private func ownerText(of address: IPAddress) throws -> ArraySlice<UInt8>? {
        do throws(Errno) {
            return LeaseOwner.text(
                of: try directory.contents(of: address.description, limit: LeaseDirectory.leaseLimit))
        } catch .noSuchFileOrDirectory {
            return nil
        } catch {
            throw failure("read \(address)", error)
        }
    }

    /// Asks the index; when that turns out damaged, asks a new one.
    private func usingIndex<Answer>(_ body: (LeaseIndex) throws -> Answer) throws -> Answer {
        do { return try body(index) } catch {
            try remakeIndex()
            return try body(index)
        }
    }

    /// Repeats in the index what was done to the files; when that turns out damaged, makes a new one of the files.
    private func changeIndex(_ body: (LeaseIndex) throws -> Void) throws {
        do { try body(index) } catch { try remakeIndex() }
    }

    /// Makes the index anew, from the files.
    private func remakeIndex() throws {
        var entries: [LeaseIndex.Entry] = []
        for name in try attempt("list the leases", { () throws(Errno) in try directory.names() }) {
            if isLeftover(name) { _ = try? directory.remove(name) }
            guard let address = LeaseDirectory.address(name) else { continue }
            // What is no lease is taken, by an owner that nobody can name.
            let contents = try leaseContents(name) ?? Array(" \(name) unreadable".utf8)
            guard let text = LeaseOwner.text(of: contents) else { continue }
            entries.append(LeaseIndex.Entry(owner: IndexHash.of(text), address: address))
        }
        try index.fill(entries)
        isIndexFresh = true
        if !isChanged { saveIndex() }
    }

    /// What is in a file that has the name of a lease; nil where that is none, such as a folder.
    ///
    /// - Throws: ``CNIError`` where a lease may be behind what went wrong: to pass over it would be to keep it for ever.
    private func leaseContents(_ name: String) throws -> [UInt8]? {
        do throws(Errno) {
            return try directory.contents(of: name, limit: LeaseDirectory.leaseLimit)
        } catch {
            // A folder, a socket, a symbolic link, something far too large, or what has just gone.
            let strangers: [Errno] = [
                .invalidArgument, .noSuchAddressOrDevice, .tooManySymbolicLinkLevels, .fileTooLarge,
                .noSuchFileOrDirectory,
            ]
            guard strangers.contains(error) else { throw failure("read \(name)", error) }
            return nil
        }
    }

    /// Whether a file was left by a command that was killed while it wrote a lease.
    private func isLeftover(_ name: String) -> Bool {
        guard Directory.isTemporary(name) else { return false }
        let target = String(name.dropFirst().dropLast(4))
        return LeaseDirectory.address(target) != nil || target.hasPrefix("last_reserved_ip.")
    }

    /// Writes the index and sets the directory's time to what it says. Without a file, or when anything fails, the
    /// next command makes the index anew.
    private func saveIndex() {
        // A time gone by, so that no change yet to come can be of that time.
        let time = Directory.Time(
            seconds: Directory.Time.now.seconds - 2, nanoseconds: Int64.random(in: 1..<1_000_000_000))
        guard let state = found?.modified(time), (try? index.save(state)) == true else { return }
        try? directory.setModified(time)
    }

    private static func state(of directory: borrowing Directory) throws(Errno) -> LeaseIndex.State {
        let status = try directory.status()
        let boot = IndexHash.of(try Files.contents(of: "/proc/sys/kernel/random/boot_id", limit: 64))
        return LeaseIndex.State(boot: boot, directory: status.identity, modified: status.modified)
    }

    private func attempt<Result>(_ what: String, _ body: () throws(Errno) -> Result) throws -> Result {
        do throws(Errno) { return try body() } catch { throw failure(what, error) }
    }

    private func failure(_ what: String, _ error: Errno) -> CNIError {
        LeaseDirectory.failure(what, location, error)
    }

    private static func failure(_ what: String, _ location: LeaseLocation, _ error: Errno) -> CNIError {
        CNIError(.inputOutput, "cannot \(what) in \(location)", details: error.description)
    }
}
