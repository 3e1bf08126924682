/// What a runtime asks a plugin to do (CNI_COMMAND; specification, section 2).
public enum Command: String, CaseIterable, Sendable {
    case add = "ADD"
    case delete = "DEL"
    case check = "CHECK"
    case status = "STATUS"
    case collectGarbage = "GC"
    case version = "VERSION"

    /// The first version of the specification that knows the command for configurations of that version.
    public var introduced: SpecificationVersion {
        switch self {
        case .add, .delete, .version: .v0_1_0
        case .check: .v0_4_0
        case .status, .collectGarbage: .v1_1_0
        }
    }
}
