internal import CDBus
internal import CDBusServer
internal import LinuxSystem

/// A connection to the bus by which the services of a system are called (`busctl`, `dbus-send --system`).
public final class SystemBus {
    // The letters of the specification, which the headers have as macros that Swift does not see.
    private static let textType = Int32(UInt8(ascii: "s"))
    private static let booleanType = Int32(UInt8(ascii: "b"))

    private let connection: OpaquePointer

    /// Connects: to `DBUS_SYSTEM_BUS_ADDRESS` where that is set, else to the system's own bus.
    ///
    /// What libdbus has for this (`dbus_bus_get`) waits without end for a bus that takes connections and does not answer.
    ///
    /// - Throws: ``DBusError``, also where there is no bus; with ``DBusError/isTimeout`` where there is one that does not
    ///   answer.
    public init() throws(DBusError) {
        let address = ProcessEnvironment.current["DBUS_SYSTEM_BUS_ADDRESS"] ?? SystemBus.usualAddress
        let deadline = MonotonicTime.now + SystemBus.patience
        do throws(DBusError) {
            // connect(2) waits as long as the bus has too many others to accept first.
            connection = try deadline.interrupting { () throws(DBusError) in
                try SystemBus.checked { error in dbus_connection_open_private(address, error) }
            }
        } catch {
            throw deadline.remaining == 0 ? .timeout : error
        }
        // The library would end this process with the connection.
        dbus_connection_set_exit_on_disconnect(connection, 0)
        while dbus_connection_get_is_authenticated(connection) == 0 {
            if deadline.remaining == 0 { throw .timeout }
            if dbus_connection_read_write(connection, Int32(deadline.remaining)) == 0 {
                throw DBusError(name: DBUS_ERROR_NO_SERVER, message: "the message bus has closed the connection")
            }
        }
        guard case .text(let name) = try callBus("Hello") else {
            throw DBusError(name: DBUS_ERROR_FAILED, message: "the message bus gives no name")
        }
        dbus_bus_set_unique_name(connection, name)
    }

    deinit {
        dbus_connection_close(connection)
        dbus_connection_unref(connection)
    }

    /// Whether a service of that name runs. None is started.
    public func hasOwner(_ name: String) throws(DBusError) -> Bool {
        try callBus("NameHasOwner", [name]) == .boolean(true)
    }

    /// Calls a method of the bus itself.
    private func callBus(_ method: String, _ arguments: [String] = []) throws(DBusError) -> Value {
        let bus = Object(service: DBUS_SERVICE_DBUS, path: DBUS_PATH_DBUS, interface: DBUS_INTERFACE_DBUS)
        return try call(method, of: bus, arguments, milliseconds: SystemBus.patience)
    }

    /// How long the bus may take to answer, in milliseconds.
    private static let patience = 5_000
    /// The specification's section "Well-known Message Bus Instances".
    private static let usualAddress = "unix:path=/var/run/dbus/system_bus_socket"

    /// An object of a service, and one of its interfaces.
    public struct Object: Equatable, Sendable {
        public let service: String
        public let path: String
        public let interface: String

        public init(service: String, path: String, interface: String) {
            self.service = service
            self.path = path
            self.interface = interface
        }
    }

    /// The first value of an answer.
    public enum Value: Equatable, Sendable {
        case text(String)
        case boolean(Bool)
        /// None, or one of another type.
        case other
    }

    /// Calls a method that takes texts, and waits for the answer.
    ///
    /// - Parameter milliseconds: how long the service may take to answer.
    /// - Throws: ``DBusError``: the service's own, or that it does not run or does not answer.
    @discardableResult
    public func call(
        _ method: String, of object: Object, _ arguments: [String], milliseconds: Int = 10_000
    ) throws(DBusError) -> Value {
        guard let message = dbus_message_new_method_call(object.service, object.path, object.interface, method) else {
            throw DBusError(name: DBUS_ERROR_NO_MEMORY, message: "out of memory")
        }
        defer { dbus_message_unref(message) }
        // A call never starts a service: who does not run has nothing to say here.
        dbus_message_set_auto_start(message, 0)
        var iterator = DBusMessageIter()
        dbus_message_iter_init_append(message, &iterator)
        for argument in arguments {
            let isAppended = argument.withCString { text in
                var text: UnsafePointer<CChar>? = text
                return dbus_message_iter_append_basic(&iterator, SystemBus.textType, &text)
            }
            if isAppended == 0 { throw DBusError(name: DBUS_ERROR_NO_MEMORY, message: "out of memory") }
        }
        let reply = try SystemBus.checked { error in
            dbus_connection_send_with_reply_and_block(connection, message, Int32(milliseconds), error)
        }
        defer { dbus_message_unref(reply) }
        return SystemBus.value(of: reply)
    }

    private static func value(of reply: OpaquePointer) -> Value {
        var iterator = DBusMessageIter()
        guard dbus_message_iter_init(reply, &iterator) != 0 else { return .other }
        switch dbus_message_iter_get_arg_type(&iterator) {
        case SystemBus.textType:
            var text: UnsafePointer<CChar>?
            dbus_message_iter_get_basic(&iterator, &text)
            return text.map { .text(String(cString: $0)) } ?? .other
        case SystemBus.booleanType:
            var value: dbus_bool_t = 0
            dbus_message_iter_get_basic(&iterator, &value)
            return .boolean(value != 0)
        default: return .other
        }
    }

    /// Calls a function that reports by a DBusError of C.
    private static func checked<Result>(
        _ body: (UnsafeMutablePointer<CDBus.DBusError>) -> Result?
    ) throws(DBusError) -> Result {
        var error = CDBus.DBusError()
        dbus_error_init(&error)
        let result = body(&error)
        guard dbus_error_is_set(&error) == 0, let result else {
            defer { dbus_error_free(&error) }
            throw DBusError(
                name: error.name.map { String(cString: $0) } ?? DBUS_ERROR_FAILED,
                message: error.message.map { String(cString: $0) } ?? "")
        }
        return result
    }
}
