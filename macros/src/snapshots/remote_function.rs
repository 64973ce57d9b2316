/// Returns the bytes that are free on a disk.
#[cfg(unix)]
pub(crate) async fn disk_free(path: PathBuf, mut unit: u64) -> Result<u64, String> {
    Ok(unit)
}
::greenroom::__private::need_net! {
    "`#[remote]`" #[cfg(unix)] #[doc =
    " Calls [`disk_free`](fn@super::disk_free) on other nodes."] pub (crate) mod
    disk_free { #[doc =
    " The function [`disk_free`](fn@super::disk_free), to be exported."] #[derive(Clone,
    Copy, Debug)] #[allow(unreachable_pub)] pub struct Remote; #[doc =
    r" Returns the bytes that are free on a disk."] #[doc = r""] #[doc =
    r" The function is called on the node."] #[allow(unreachable_pub, private_interfaces,
    dead_code, clippy::too_many_arguments)] #[track_caller] pub fn on(node : impl
    ::core::convert::AsRef < str >, path : < Remote as
    ::greenroom::__private::RemoteParam < 0usize >> ::Type, unit : < Remote as
    ::greenroom::__private::RemoteParam < 1usize >> ::Type) ->
    ::greenroom::__private::RemoteCall << Remote as
    ::greenroom::__private::RemoteFunction > ::Output > {
    ::greenroom::__private::call_on:: < Remote, _ > (::core::convert::AsRef::as_ref(&
    node), (path, unit,)) } } #[cfg(unix)] #[automatically_derived]
    #[allow(private_interfaces)] impl ::greenroom::__private::RemoteParam < 0usize > for
    disk_free::Remote { type Type = PathBuf; } #[cfg(unix)] #[automatically_derived]
    #[allow(private_interfaces)] impl ::greenroom::__private::RemoteParam < 1usize > for
    disk_free::Remote { type Type = u64; } #[cfg(unix)] #[automatically_derived]
    #[allow(private_interfaces, deprecated)] impl ::greenroom::__private::RemoteFunction
    for disk_free::Remote { const NAME : & 'static str = "disk_free"; const __CALL : &
    'static ::greenroom::__private::CallName = & ::greenroom::__private::CallName {
    protocol : "disk_free", message : "disk_free::on" }; const __PARAMS : & 'static [&
    'static str] = & ["path", "unit"]; type Args = (PathBuf, u64,); type Output = Result
    < u64, String >; fn __call((__argument0, __argument1,) : (PathBuf, u64,),) -> impl
    ::core::future::Future < Output = Result < u64, String > > + ::core::marker::Send {
    disk_free(__argument0, __argument1) } }
}
