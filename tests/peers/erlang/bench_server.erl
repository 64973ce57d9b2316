%% A counter. For `restart`, it reports its start and crashes on request.
-module(bench_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init({up, Driver}) -> Driver ! {up, self()}, {ok, 0};
init(Count) -> {ok, Count}.

handle_call(bump, _From, Count) -> {reply, Count + 1, Count + 1};
handle_call(count, _From, Count) -> {reply, Count, Count}.

handle_cast(crash, _Count) -> error(crashed).
