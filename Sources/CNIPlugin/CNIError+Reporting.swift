internal import CNI
internal import JSON
internal import SystemPackage

extension CNIError {
    /// The one place where whatever went wrong becomes what the specification calls an error.
    init(reporting error: any Error) {
        switch error {
        case let error as CNIError: self = error
        case let error as JSONError: self.init(.invalidConfiguration, error.description)
        case let error as Errno: self.init(.inputOutput, error.description)
        default: self.init(.failed, "\(error)")
        }
    }
}
