use crate::{Context, Error, HttpClient, Result, Step, System, World};

/// Everything that an action or an invariant can take an argument from.
#[derive(Debug)]
pub struct Parts<'a> {
    world: &'a World,
    context: ContextPart<'a>,
    step: Option<&'a Step>,
}

#[derive(Debug)]
enum ContextPart<'a> {
    Exclusive(&'a mut Context),
    Shared(&'a Context),
    Taken,
}

impl<'a> Parts<'a> {
    /// For a call of an action by hand.
    #[doc(hidden)]
    pub fn for_action(world: &'a World, context: &'a mut Context) -> Self {
        Self {
            world,
            context: ContextPart::Exclusive(context),
            step: None,
        }
    }

    /// For a check of an invariant by hand.
    #[doc(hidden)]
    pub fn for_invariant(world: &'a World, context: &'a Context, step: Option<&'a Step>) -> Self {
        Self {
            world,
            context: ContextPart::Shared(context),
            step,
        }
    }

    /// The world.
    pub fn world(&self) -> &'a World {
        self.world
    }

    /// The context, to read.
    ///
    /// # Errors
    ///
    /// It was taken to be written.
    pub fn context(&mut self) -> Result<&'a Context> {
        match std::mem::replace(&mut self.context, ContextPart::Taken) {
            ContextPart::Exclusive(context) => {
                self.context = ContextPart::Shared(context);
                self.context()
            }
            ContextPart::Shared(context) => {
                self.context = ContextPart::Shared(context);
                Ok(context)
            }
            ContextPart::Taken => Err(taken_twice()),
        }
    }

    /// The context, to write.
    ///
    /// # Errors
    ///
    /// It was taken before.
    pub fn context_mut(&mut self) -> Result<&'a mut Context> {
        match std::mem::replace(&mut self.context, ContextPart::Taken) {
            ContextPart::Exclusive(context) => Ok(context),
            _ => Err(taken_twice()),
        }
    }
}

fn taken_twice() -> Error {
    Error::set_up("a function that takes `&mut Context` can take the context only once")
}

/// What an action can take as an argument.
#[diagnostic::on_unimplemented(
    message = "an action cannot take `{Self}`",
    label = "not an argument of an action",
    note = "an action takes `&HttpClient`, `&Context`, `&mut Context`, `&World`, a reference to a system of the world \
            (`&SqliteAdapter`, `&MockSystem`, your own), and values marked `#[values(..)]`"
)]
pub trait ActionArgument<'a>: Sized {
    /// The argument; `named` is what `#[system("..")]` or `#[api("..")]` says.
    ///
    /// # Errors
    ///
    /// The world has no such thing, or several.
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self>;
}

/// What an invariant can take as an argument.
#[diagnostic::on_unimplemented(
    message = "an invariant cannot take `{Self}`",
    label = "not an argument of an invariant",
    note = "an invariant takes `&HttpClient`, `&Context`, `&World`, `&Step` (the last action) and references to \
            systems of the world (`&SqliteAdapter`, `&MockSystem`, your own); it changes nothing"
)]
pub trait InvariantArgument<'a>: Sized {
    /// Whether a rule with this argument can only be checked after an action.
    const NEEDS_STEP: bool = false;

    /// The argument; `named` is what `#[system("..")]` or `#[api("..")]` says.
    ///
    /// # Errors
    ///
    /// The world has no such thing, or several.
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self>;
}

// The traits' notes list what there is; a list of these impls would repeat it, less readable.

#[diagnostic::do_not_recommend]
impl<'a> ActionArgument<'a> for &'a HttpClient {
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self> {
        named.map_or_else(|| parts.world.main_api(), |name| parts.world.api(name))
    }
}

#[diagnostic::do_not_recommend]
impl<'a> InvariantArgument<'a> for &'a HttpClient {
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self> {
        named.map_or_else(|| parts.world.main_api(), |name| parts.world.api(name))
    }
}

#[diagnostic::do_not_recommend]
impl<'a> ActionArgument<'a> for &'a Context {
    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        parts.context()
    }
}

#[diagnostic::do_not_recommend]
impl<'a> InvariantArgument<'a> for &'a Context {
    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        parts.context()
    }
}

#[diagnostic::do_not_recommend]
impl<'a> ActionArgument<'a> for &'a World {
    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        Ok(parts.world)
    }
}

#[diagnostic::do_not_recommend]
impl<'a> InvariantArgument<'a> for &'a World {
    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        Ok(parts.world)
    }
}

#[diagnostic::do_not_recommend]
impl<'a> InvariantArgument<'a> for &'a Step {
    const NEEDS_STEP: bool = true;

    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        parts
            .step
            .ok_or_else(|| Error::set_up("no action was performed yet"))
    }
}

#[diagnostic::do_not_recommend]
impl<'a> ActionArgument<'a> for &'a mut Context {
    fn take(parts: &mut Parts<'a>, _named: Option<&str>) -> Result<Self> {
        parts.context_mut()
    }
}

#[diagnostic::do_not_recommend]
impl<'a, T: System> ActionArgument<'a> for &'a T {
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self> {
        parts.world.system(named)
    }
}

#[diagnostic::do_not_recommend]
impl<'a, T: System> InvariantArgument<'a> for &'a T {
    fn take(parts: &mut Parts<'a>, named: Option<&str>) -> Result<Self> {
        parts.world.system(named)
    }
}
