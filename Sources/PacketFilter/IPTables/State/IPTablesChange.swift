/// One step of a change of the tables. A list of steps is made in its order, as a whole or not at all.
public enum IPTablesChange: Equatable, Sendable {
    /// `-N`
    case makeChain(IPTablesTable, ChainName)
    /// `-A`
    case append(IPTablesTable, ChainName, IPTablesRule)
    /// `-I`
    case prepend(IPTablesTable, ChainName, IPTablesRule)
    /// `-D`: the rule at this position, counted from 0, after the steps before; with what it says, where that is known.
    case deleteRule(IPTablesTable, ChainName, at: Int, IPTablesRule?)
    /// `-F`
    case flush(IPTablesTable, ChainName)
    /// `-F`, `-X`
    case deleteChain(IPTablesTable, ChainName)

    /// The table that it is about.
    public var table: IPTablesTable {
        switch self {
        case .makeChain(let table, _), .append(let table, _, _), .prepend(let table, _, _),
            .deleteRule(let table, _, at: _, _), .flush(let table, _), .deleteChain(let table, _):
            table
        }
    }
}
