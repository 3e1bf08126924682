/// Which attachments a question about admissions is about.
public enum AdmittedAttachments: Equatable, Sendable {
    case all
    case one(RuleOwner)
    /// Those to a network, but for those that live.
    case network(String, except: Set<RuleOwner>)
}
