/// What went wrong with a call by way of the message bus, or with the bus itself.
public struct DBusError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name by which programs know the error: `org.freedesktop.DBus.Error.ServiceUnknown`.
    public let name: String
    /// A text for people.
    public let message: String

    public init(name: String, message: String) {
        self.name = name
        self.message = message
    }

    /// Nobody has answered in time.
    public var isTimeout: Bool {
        [DBusError.timeout.name, "org.freedesktop.DBus.Error.NoReply"].contains(name)
    }

    static let timeout = DBusError(name: "org.freedesktop.DBus.Error.Timeout", message: "no answer in time")

    public var description: String { message.isEmpty ? name : "\(message) (\(name))" }
}
