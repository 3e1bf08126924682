internal import LinuxSystem
public import NetworkAddress
public import SystemPackage

/// The leases of one network, as host-local keeps them: a folder of files named by address.
public struct LeaseFiles: Sendable {
    /// Holds the folders of all networks.
    let folder: String
    let network: String

    /// Nil where the network has no host-local.
    public init?(_ network: NetworkOutline) {
        guard let folder = network.leaseFolder else { return nil }
        self.folder = folder
        self.network = network.name
    }

    /// The addresses that somebody has.
    public func addresses() throws(Errno) -> [IPAddress] {
        do throws(Errno) {
            return try Directory(folder).subdirectory(network).names().compactMap { IPAddress($0) }
        } catch .noSuchFileOrDirectory {
            return []
        } catch {
            throw error
        }
    }

    /// Removes what host-local makes, and the folder where nothing else is in it.
    public func remove() throws(Errno) {
        do throws(Errno) {
            let parent = try Directory(folder)
            let leases = try parent.subdirectory(network)
            for name in try leases.names() where LeaseFiles.isHostLocals(name) { try leases.remove(name) }
            // The index beside the leases, which host-local makes again where it is missing.
            do throws(Errno) {
                try parent.subdirectory(".host-local").remove("\(network).index")
            } catch .noSuchFileOrDirectory {}
            do throws(Errno) { try parent.removeDirectory(network) } catch .directoryNotEmpty {}
        } catch .noSuchFileOrDirectory {
            return
        } catch {
            throw error
        }
    }

    /// Whether host-local makes files of that name.
    static func isHostLocals(_ name: String) -> Bool {
        let target = Directory.target(ofTemporary: name) ?? name
        return target == "lock" || target.hasPrefix("last_reserved_ip.") || IPAddress(target) != nil
    }
}
