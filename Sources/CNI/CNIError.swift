public import JSON

/// The one error that a plugin or a runtime reports (specification, section "Error").
public struct CNIError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The codes of the specification and the conventions around it.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// 1: the configuration's version is not supported.
        public static let incompatibleVersion = Code(rawValue: 1)
        /// 2: a key of the configuration is known but not supported.
        public static let unsupportedField = Code(rawValue: 2)
        /// 3: the container is not known, so nothing needs to be cleaned up.
        public static let unknownContainer = Code(rawValue: 3)
        /// 4: a CNI_* variable is missing or not valid.
        public static let invalidEnvironment = Code(rawValue: 4)
        /// 5: reading the input or writing the output failed.
        public static let inputOutput = Code(rawValue: 5)
        /// 6: the input is not JSON.
        public static let decoding = Code(rawValue: 6)
        /// 7: the configuration is not valid.
        public static let invalidConfiguration = Code(rawValue: 7)
        /// 8: the sandbox is the plugin's own network namespace.
        public static let sandboxIsOwnNamespace = Code(rawValue: 8)
        /// 11: the cause passes; the runtime should try again.
        public static let tryAgainLater = Code(rawValue: 11)
        /// 50: the plugin cannot serve ADD at the moment.
        public static let notAvailable = Code(rawValue: 50)
        /// 51: as 50, and existing containers may be cut off too.
        public static let notAvailableAndLimited = Code(rawValue: 51)
        /// 100: the kernel refused, or the state it is in is not what CHECK expects.
        public static let failed = Code(rawValue: 100)
        /// 101: a plugin that was called in turn could not be run, or answered something that is no answer.
        public static let delegateFailed = Code(rawValue: 101)
    }

    public let code: Code
    /// One sentence that names the thing at fault.
    public let message: String
    /// More, where there is more; may be empty.
    public let details: String

    public init(_ code: Code, _ message: String, details: String = "") {
        self.code = code
        self.message = message
        self.details = details
    }

    public var description: String { details.isEmpty ? message : "\(message): \(details)" }

    /// The error as a plugin prints it.
    public func json(version: SpecificationVersion) -> JSONValue {
        var object: JSONObject = [
            "cniVersion": .string(version.rawValue), "code": .integer(Int64(code.rawValue)), "msg": .string(message),
        ]
        if !details.isEmpty { object.append("details", .string(details)) }
        return .object(object)
    }

    /// An error that a plugin printed; nil where the object is none.
    public init?(_ object: JSONObject) {
        guard case .integer(let code)? = object["code"], code != 0, case .string(let message)? = object["msg"] else {
            return nil
        }
        var details = ""
        if case .string(let text)? = object["details"] { details = text }
        self.init(Code(rawValue: Int(code)), message, details: details)
    }
}
