%% The workloads between two nodes: `!` to a process of the other node, and gen_server:call. The second node is another
%% `erl`, which this one starts and which ends with it. Both use epmd, and the loopback interface only.
-module(bench_remote).
-export([cast/2, ask/3, load/2, beside/4, serve/0, store/1]).

-define(COOKIE, "greenroom_peers").

%% The counters return to the caller what they have counted; bench checks it.

cast(N, Main) ->
    {Counter, _} = connect(),
    Begin = erlang:monotonic_time(nanosecond),
    spawn(fun() ->
        add(Counter, N),
        %% Messages of one process to another keep their order.
        Counter ! {count, self()},
        receive {count, Count} -> Main ! {counted, Count} end
    end),
    Count = receive {counted, C} -> C end,
    {erlang:monotonic_time(nanosecond) - Begin, Count}.

add(_, 0) -> ok;
add(Counter, N) -> Counter ! {add, 1}, add(Counter, N - 1).

ask(Callers, Share, Main) ->
    {_, Server} = connect(),
    Begin = erlang:monotonic_time(nanosecond),
    Asking = [spawn(fun() -> bump(Server, Share), Main ! {done, self()} end) || _ <- lists:seq(1, Callers)],
    [receive {done, Caller} -> ok end || Caller <- Asking],
    Nanos = erlang:monotonic_time(nanosecond) - Begin,
    {Nanos, gen_server:call(Server, count)}.

bump(_, 0) -> ok;
bump(Server, N) -> gen_server:call(Server, bump), bump(Server, N - 1).

%% Sends messages of each size to the store of the other node.
load(Sizes, Main) ->
    {_, _} = connect(),
    Store = erpc:call(server(), erlang, whereis, [bench_store]),
    {Loads, _} = lists:mapfoldl(fun({Bytes, Count}, Before) ->
        Data = binary:copy(<<7>>, Bytes),
        Begin = erlang:monotonic_time(nanosecond),
        spawn(fun() -> put_data(Store, Data, Count), Main ! {stored, stored(Store)} end),
        Stored = receive {stored, S} -> S end,
        {{Bytes, Count, erlang:monotonic_time(nanosecond) - Begin, Stored - Before}, Stored}
    end, 0, Sizes),
    Loads.

%% The times of small calls of one process while others send one large message each.
beside(Loaders, Bytes, Calls, Main) ->
    {_, Server} = connect(),
    Store = erpc:call(server(), erlang, whereis, [bench_store]),
    Data = binary:copy(<<7>>, Bytes),
    [spawn(fun() -> put_data(Store, Data, 1), stored(Store), Main ! loaded end) || _ <- lists:seq(1, Loaders)],
    spawn(fun() -> Main ! {times, [bump_time(Server) || _ <- lists:seq(1, Calls)]} end),
    Times = receive {times, T} -> T end,
    [receive loaded -> ok end || _ <- lists:seq(1, Loaders)],
    Times.

put_data(_, _, 0) -> ok;
put_data(Store, Data, N) -> Store ! {put, Data}, put_data(Store, Data, N - 1).

stored(Store) ->
    Store ! {stored, self()},
    receive {stored, Bytes} when is_integer(Bytes) -> Bytes end.

bump_time(Server) ->
    Begin = erlang:monotonic_time(nanosecond),
    gen_server:call(Server, bump),
    erlang:monotonic_time(nanosecond) - Begin.

%% The second node

store(Bytes) ->
    receive
        {put, Data} -> store(Bytes + byte_size(Data));
        {stored, From} -> From ! {stored, Bytes}, store(Bytes)
    end.

serve() ->
    register(bench_store, spawn(fun() -> store(0) end)),
    register(bench_counter, spawn(fun() -> bench:counter(0) end)),
    {ok, _} = gen_server:start({local, bench_server}, bench_server, 0, []),
    io:format("ready~n"),
    %% The first node never writes, so this returns when it has ended.
    io:get_line(""),
    halt(0).

%% Starts the second node, connects to it, and returns its two counters.
connect() ->
    Number = os:getpid(),
    Server = atom_to_list(server()),
    Threads = integer_to_list(erlang:system_info(schedulers_online)),
    Arguments = ["-noshell", "+S", Threads ++ ":" ++ Threads, "-sname", Server, "-setcookie", ?COOKIE,
                 "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
                 "-pa", filename:dirname(code:which(?MODULE)), "-run", "bench_remote", "serve"],
    %% It starts epmd too.
    Port = open_port({spawn_executable, os:find_executable("erl")},
                     [{args, Arguments}, {env, [{"ERL_EPMD_ADDRESS", "127.0.0.1"}]}, {line, 100}]),
    receive {Port, {data, {eol, "ready"}}} -> ok end,
    application:set_env(kernel, inet_dist_use_interface, {127,0,0,1}),
    {ok, _} = net_kernel:start([list_to_atom("bench_client_" ++ Number ++ "@localhost"), shortnames]),
    Node = server(),
    erlang:set_cookie(list_to_atom(?COOKIE)),
    {erpc:call(Node, erlang, whereis, [bench_counter]), erpc:call(Node, erlang, whereis, [bench_server])}.

server() -> list_to_atom("bench_server_" ++ os:getpid() ++ "@localhost").
