%% The workloads between two nodes: `!` to a process of the other node, and gen_server:call. The second node is another
%% `erl`, which this one starts and which ends with it. Both use epmd, and the loopback interface only.
-module(bench_remote).
-export([cast/2, ask/3, serve/0]).

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

%% The second node

serve() ->
    register(bench_counter, spawn(fun() -> bench:counter(0) end)),
    {ok, _} = gen_server:start({local, bench_server}, bench_server, 0, []),
    io:format("ready~n"),
    %% The first node never writes, so this returns when it has ended.
    io:get_line(""),
    halt(0).

%% Starts the second node, connects to it, and returns its two counters.
connect() ->
    Number = os:getpid(),
    Server = "bench_server_" ++ Number ++ "@localhost",
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
    Node = list_to_atom(Server),
    erlang:set_cookie(list_to_atom(?COOKIE)),
    {erpc:call(Node, erlang, whereis, [bench_counter]), erpc:call(Node, erlang, whereis, [bench_server])}.
