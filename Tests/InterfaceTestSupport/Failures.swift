internal import CNI
internal import JSON

/// The text of the error that `body` throws; nil when it throws none.
public func failure<Value>(_ body: () throws -> Value) -> String? {
    do {
        _ = try body()
        return nil
    } catch {
        return "\(error)"
    }
}

/// The code that a runtime would see.
public func code<Value>(_ body: () throws -> Value) -> Int? {
    do {
        _ = try body()
        return nil
    } catch let error as CNIError {
        return error.code.rawValue
    } catch is JSONError {
        return 7
    } catch {
        return 100
    }
}
