//! The suite's prompts, one of which asks the user something first.

use rmcp::ErrorData;
use rmcp::model::{
    ContentBlock, GetPromptRequestParams, GetPromptResponse, GetPromptResult, JsonObject, Prompt, PromptArgument,
    PromptMessage, ResourceContents, Role,
};
use serde_json::{Value, json};

use super::content::PNG;
use super::input_required::{answered, ask, field, form};

/// All prompts.
pub fn list() -> Vec<Prompt> {
    let argument =
        |name: &str, description: &str| PromptArgument::new(name).with_description(description).with_required(true);
    let both = vec![argument("arg1", "First test argument"), argument("arg2", "Second test argument")];
    let uri = vec![argument("resourceUri", "The resource to embed")];
    vec![
        Prompt::new("test_simple_prompt", Some("Without arguments"), None),
        Prompt::new("test_prompt_with_arguments", Some("With two arguments"), Some(both)),
        Prompt::new("test_prompt_with_embedded_resource", Some("With a resource in it"), Some(uri)),
        Prompt::new("test_prompt_with_image", Some("With an image in it"), None),
        Prompt::new("test_input_required_result_prompt", Some("Asks the user first (stateless)"), None),
    ]
}

/// One prompt.
pub fn get(request: GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let arguments = request.arguments.unwrap_or_default();
    let messages = match request.name.as_str() {
        "test_simple_prompt" => vec![said("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (argument(&arguments, "arg1")?, argument(&arguments, "arg2")?);
            vec![said(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = argument(&arguments, "resourceUri")?;
            let resource = ResourceContents::text("Embedded resource content for testing.", uri);
            vec![shown(ContentBlock::resource(resource)), said("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => {
            vec![shown(ContentBlock::image(PNG, "image/png")), said("Please analyze the image above.")]
        }
        "test_input_required_result_prompt" => {
            let asked = json!({"user_context": form("What context should the prompt use?", "context", "string")});
            let answers = request.input_responses.unwrap_or_default();
            if !answered(&asked, &answers) {
                return ask(asked, None).map(Into::into);
            }
            vec![said(format!("The context is {}.", field(&answers, "user_context", "/content/context")))]
        }
        name => return Err(ErrorData::invalid_params(format!("Unknown prompt: {name}"), None)),
    };
    Ok(GetPromptResult::new(messages).into())
}

fn argument<'a>(arguments: &'a JsonObject, name: &str) -> Result<&'a str, ErrorData> {
    let missing = || ErrorData::invalid_params(format!("{name} must be given"), None);
    arguments.get(name).and_then(Value::as_str).ok_or_else(missing)
}

/// A message of the user that is a text.
pub fn said(text: impl Into<String>) -> PromptMessage {
    PromptMessage::new_text(Role::User, text)
}

fn shown(content: ContentBlock) -> PromptMessage {
    PromptMessage::new(Role::User, content)
}
