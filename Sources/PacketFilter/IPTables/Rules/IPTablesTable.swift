/// A table of iptables.
public enum IPTablesTable: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case raw
    case mangle
    case nat
    case filter

    public var description: String { rawValue }
}
