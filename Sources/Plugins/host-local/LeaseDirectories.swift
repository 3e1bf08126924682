internal import CNI
internal import LinuxSystem
internal import SystemPackage

/// The leases on this host's disk.
struct LeaseDirectories: LeaseStores {
    /// The directory beside those of the networks that holds their indexes. Theirs would be the wrong place: the
    /// reference takes every file there for a lease. No network has this name, as names start with a letter or digit.
    static let indexDirectory = ".host-local"

    func open(_ location: LeaseLocation, creating: Bool) throws -> (any LeaseStore)? {
        let directory: Directory
        do throws(Errno) {
            let path = location.description
            directory = creating ? try Directory(creating: path) : try Directory(path)
        } catch {
            if error == .noSuchFileOrDirectory && !creating { return nil }
            throw CNIError(.inputOutput, "cannot open the leases in \(location)", details: error.description)
        }
        return try LeaseDirectory(location, directory, indexFile: indexFile(of: location))
    }

    /// The file of a network's index; nil where it cannot be made: then every command reads the leases.
    private func indexFile(of location: LeaseLocation) -> WordFile? {
        do throws(Errno) {
            let name = "\(location.network).index"
            let path = location.dataDirectory + "/" + LeaseDirectories.indexDirectory
            do throws(Errno) {
                return try Directory(path).wordFile(name)
            } catch .noSuchFileOrDirectory {
                return try Directory(location.dataDirectory)
                    .subdirectory(LeaseDirectories.indexDirectory, creating: true).wordFile(name)
            }
        } catch {
            return nil
        }
    }
}
