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

    public var description: String { message.isEmpty ? name : "\(message) (\(name))" }
}
